package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Take implements [bot.Intake]. Alerts are encoded here, by as many goroutines
// as there are callers, and not by the one that writes.
func (s *Store) Take(ctx context.Context, b alerts.Batch) ([]alerts.Receipt, error) {
	size := 0
	encoded := make([][]byte, len(b.Arrivals))
	for n, a := range b.Arrivals {
		var err error
		if encoded[n], err = json.Marshal(a.Alert); err != nil {
			return nil, fmt.Errorf("take alert %s of %s: %w", a.Alert.Key, a.Integration, err)
		}
		size += 500 + len(encoded[n])
	}
	var receipts []alerts.Receipt
	err := s.queue.submit(ctx, &request{take: true, size: size, do: func(t *tx) (err error) {
		receipts, err = alerts.Take(&alertsTx{tx: t, at: nanos(b.At), batch: b, encoded: encoded, current: -1}, b)
		return t.spoil(err) // it writes as it goes
	}})
	if err != nil {
		return nil, fmt.Errorf("take %d alerts: %w", len(b.Arrivals), err)
	}
	return receipts, nil
}

// book is what [alerts.Take] writes into.
type alertsTx struct {
	*tx
	at      int64
	batch   alerts.Batch
	encoded [][]byte // the alerts of the batch
	current int      // the arrival that is being judged
}

// rowColumns are what scanRow reads.
const alertColumns = "integration, key, number, firing, group_key, severity, event_at, applied_at, seen_at, body"

func scanAlert(row []driver.Value) (alerts.Row, error) {
	r := alerts.Row{
		Integration: text(row[0]), Key: text(row[1]), Incident: idOf(number(row[2])), Firing: number(row[3]) != 0, Group: text(row[4]),
		Severity: workflow.Severity(number(row[5])), EventAt: instant(number(row[6])), AppliedAt: instant(number(row[7])), SeenAt: instant(number(row[8])),
	}
	if err := json.Unmarshal(body(row[9]), &r.Alert); err != nil {
		return r, fmt.Errorf("read alert %s of %s: %w", r.Key, r.Integration, err)
	}
	return r, nil
}

// Row implements [alerts.Tx].
func (b *alertsTx) Row(integration, key string) (*alerts.Row, error) {
	b.current++
	k := alertKey{integration, key}
	if r, ok := b.alerts.get(k); ok {
		return &r, nil
	}
	found, err := b.one("SELECT "+alertColumns+" FROM alert WHERE integration = ? AND key = ?", integration, key)
	if err != nil || found == nil {
		return nil, err
	}
	r, err := scanAlert(found)
	if err != nil {
		return nil, err
	}
	b.alerts.put(k, r)
	return &r, nil
}

// PutRow implements [alerts.Tx].
func (b *alertsTx) PutRow(r alerts.Row) error {
	encoded, err := b.encode(r.Alert)
	if err != nil {
		return fmt.Errorf("write alert %s of %s: %w", r.Key, r.Integration, err)
	}
	n, _ := parseID(r.Incident)
	b.alerts.put(alertKey{r.Integration, r.Key}, r)
	return b.exec("INSERT INTO alert ("+alertColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET number = excluded.number, firing = excluded.firing, group_key = excluded.group_key, severity = excluded.severity,
		event_at = excluded.event_at, applied_at = excluded.applied_at, seen_at = excluded.seen_at, body = excluded.body`,
		r.Integration, r.Key, n, r.Firing, r.Group, int64(r.Severity), nanos(r.EventAt), nanos(r.AppliedAt), nanos(r.SeenAt), encoded)
}

// encode finds the alert among those that were encoded beforehand: most rows
// hold the one that has just arrived. Its maps are the same maps then, which
// makes the comparison cheap.
func (b *alertsTx) encode(a alerts.Alert) ([]byte, error) {
	if b.current < len(b.encoded) && reflect.DeepEqual(a, b.batch.Arrivals[b.current].Alert) {
		return b.encoded[b.current], nil
	}
	return json.Marshal(a)
}

// Owner implements [alerts.Tx].
func (b *alertsTx) Owner(key string) (incident string, holds bool, err error) {
	g, err := b.group(key)
	return idOf(g.number), g.always || g.until > b.at, err
}

// Open implements [alerts.Tx].
func (b *alertsTx) Open(key, follows string, stub []byte) (string, error) {
	h := b.newIncidentRow(b.last + 1)
	h.open = true
	h.previous, _ = parseID(follows)
	b.touch(h)
	if err := b.exec("INSERT INTO state (number, body) VALUES (?, ?)", h.number, stub); err != nil {
		return "", err
	}
	return idOf(h.number), b.putGroup(key, groupHold{number: h.number, always: true})
}

// Mail implements [alerts.Tx]. The first mail wakes the incident at once,
// later ones at most every 100 ms. What one transaction brings an incident is
// one piece of mail.
func (b *alertsTx) Mail(incident string, m workflow.Mail) error {
	n, _ := parseID(incident)
	h, err := b.incidentRow(n)
	if err != nil {
		return err
	}
	if h == nil {
		return fmt.Errorf("put mail for %s: it is not there", incident)
	}
	if err := b.restore(h); err != nil {
		return err
	}
	b.touch(h)
	if h.unsentMail != nil {
		h.unsentMail.Add(m)
		return nil
	}
	h.unsentMail = &m
	b.changed = append(b.changed, n) // what Open reserved is among them: it gets mail
	h.mailSeq++
	if h.mailDue == 0 {
		h.mailDue = nanos(alerts.MailDue(instant(h.readAt), instant(b.at)))
	}
	h.wake()
	return nil
}
