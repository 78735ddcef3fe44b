package email

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/email/smtptest"
	"tocsin/bot"
)

// A real mail server accepts every kind of page and receives what was composed.
func TestRealServerAcceptsEveryPage(t *testing.T) {
	server := smtptest.Start(t)
	cfg := testConfig()
	cfg.Host, cfg.Port = server.HostPort()
	p := newPager(t, cfg)
	var _ bot.Pager = p
	all := pages()
	for name, page := range all {
		if err := p.Page(t.Context(), page); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := p.Page(t.Context(), all["answer"]); err != nil { // a repeat, as after a crash
		t.Fatal(err)
	}
	got := server.Wait(len(all) + 1)
	if len(got) != len(all)+1 {
		t.Fatalf("%d mails, want %d", len(got), len(all)+1)
	}
	seen := make(map[string]int)
	for _, m := range got {
		seen[m.Header.Get("Message-Id")]++
		if m.From != "tocsin@example.com" || len(m.To) != 1 {
			t.Errorf("the envelope is from %s to %v", m.From, m.To)
		}
		if m.Header.Get("Auto-Submitted") != "auto-generated" || m.Text == "" || m.HTML == "" {
			t.Errorf("not the mail that was composed:\n%s", m.Raw)
		}
		if m.Header.Get("Date") != "Wed, 04 Mar 2026 12:00:00 +0000" {
			t.Errorf("Date is %s, want the injected clock's", m.Header.Get("Date"))
		}
	}
	_, answer := composeMail(t, p, all["answer"])
	if n := seen[answer.Header.Get("Message-Id")]; n != 2 || len(seen) != len(all) {
		t.Errorf("the repeat is not recognizable: %d of its ID, %d IDs", n, len(seen))
	}
	_, hostile := composeMail(t, p, all["hostile"])
	for _, m := range got {
		if m.Header.Get("Message-Id") == hostile.Header.Get("Message-Id") && (m.Text != hostile.Text || m.HTML != hostile.HTML) {
			t.Errorf("the text was changed in transit:\n%s", m.Text)
		}
	}
}

// Over STARTTLS the certificate is verified, except on this machine by default.
func TestRealServerOverSTARTTLS(t *testing.T) {
	certificate, key := newCertificate(t)
	server := smtptest.StartTLS(t, certificate, key)
	cfg := testConfig()
	cfg.Host, cfg.Port = server.HostPort()

	t.Run("on this machine the certificate is not verified", func(t *testing.T) {
		if err := newPager(t, cfg).Page(t.Context(), escalationPage()); err != nil {
			t.Error(err)
		}
	})
	cfg.TLS = STARTTLS
	t.Run("starttls: the certificate is verified", func(t *testing.T) {
		err := newPager(t, cfg).Page(t.Context(), escalationPage())
		if err == nil || bot.IsPermanent(err) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("got %v, want a temporary error about the certificate", err)
		}
		p := newPager(t, cfg)
		p.roots = x509.NewCertPool()
		p.roots.AppendCertsFromPEM(certificate)
		if err := p.Page(t.Context(), escalationPage()); err != nil {
			t.Error(err)
		}
	})
	cfg.TLS = None
	t.Run("none: the server refuses the sender", func(t *testing.T) {
		if err := newPager(t, cfg).Page(t.Context(), escalationPage()); err == nil || bot.IsPermanent(err) {
			t.Errorf("got %v, want a temporary error: the operator can fix it", err)
		}
	})
	if got := server.Messages(); len(got) != 2 {
		t.Errorf("%d mails were received, want 2", len(got))
	}
}

// With tls: starttls no mail goes to a server that does not offer it.
func TestSTARTTLSIsNotSkipped(t *testing.T) {
	server := smtptest.Start(t)
	cfg := testConfig()
	cfg.Host, cfg.Port = server.HostPort()
	cfg.TLS = STARTTLS
	if err := newPager(t, cfg).Page(t.Context(), escalationPage()); err == nil || bot.IsPermanent(err) {
		t.Errorf("got %v, want a temporary error: the server offers no STARTTLS", err)
	}
	if got := server.Messages(); len(got) != 0 {
		t.Errorf("%d mails went out unencrypted", len(got))
	}
}

// newCertificate returns a self-signed certificate for 127.0.0.1 and its key, in
// PEM.
func newCertificate(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: inner})
}
