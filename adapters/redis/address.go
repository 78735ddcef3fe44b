package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// defaultNamespace is used when REDIS_URL names no namespace.
const defaultNamespace = "tocsin"

// address is a parsed REDIS_URL:
//
//	redis://user:password@host:6379/0
//	rediss://…                                             TLS
//	redis://host:26379/0?addr=host2:26379&master_name=main Sentinel, by its sentinels
//	redis://host:6379?addr=host2:6379&addr=host3:6379      Cluster, by some of its nodes
//	redis://host:6379?cluster=true                         Cluster, by one
//	…&namespace=shop                                       other keys than {tocsin}:…
//	…&sentinel_password=…                                  if the sentinels have another one
type address struct {
	options   goredis.UniversalOptions
	namespace string
	shown     string // the hosts, without the password
}

var namespaces = regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,60}$`)

// parseAddress parses REDIS_URL. Its errors never contain the URL: it may contain a
// password.
func parseAddress(text string) (address, error) {
	const form = "REDIS_URL=redis://:PASSWORD@HOST:6379/0"
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" {
		return address{}, fmt.Errorf("read REDIS_URL: it is not an address; write for example %s", form)
	}
	if u.Scheme != "redis" && u.Scheme != "rediss" {
		return address{}, fmt.Errorf("read REDIS_URL: it begins with %q; write %s, or rediss:// for TLS", u.Scheme+"://", form)
	}
	q := u.Query()
	for name := range q {
		if !slices.Contains([]string{"addr", "master_name", "cluster", "namespace", "sentinel_password"}, name) {
			return address{}, fmt.Errorf("read REDIS_URL: there is no parameter %q; the parameters are addr, master_name, cluster, namespace and sentinel_password", name)
		}
	}
	a := address{namespace: defaultNamespace}
	if q.Has("namespace") {
		a.namespace = q.Get("namespace")
	}
	if !namespaces.MatchString(a.namespace) {
		return address{}, errors.New("read REDIS_URL: a namespace has 1 to 60 letters, digits, dots, dashes and underscores")
	}
	db := 0
	if path := strings.Trim(u.Path, "/"); path != "" {
		if db, err = strconv.Atoi(path); err != nil || db < 0 {
			return address{}, errors.New("read REDIS_URL: the path is the number of a database, such as /0")
		}
	}
	host := net.JoinHostPort(u.Hostname(), portOf(u))
	password, _ := u.User.Password()
	a.options = goredis.UniversalOptions{
		Addrs: append([]string{host}, q["addr"]...), Username: u.User.Username(), Password: password, DB: db,
		MasterName: q.Get("master_name"), SentinelPassword: q.Get("sentinel_password"), IsClusterMode: q.Get("cluster") == "true",
	}
	if a.options.MasterName == "" && (a.options.IsClusterMode || len(a.options.Addrs) > 1) && db != 0 {
		return address{}, errors.New("read REDIS_URL: a Cluster has only database 0")
	}
	if u.Scheme == "rediss" {
		a.options.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname()}
	}
	a.shown = strings.Join(a.options.Addrs, ", ")
	a.setTimeouts()
	return a, nil
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return "6379"
}

// setTimeouts limits the library's timeouts and turns its retries off: a call whose
// answer was lost may have been executed, so only the pipeline sends it again.
func (a *address) setTimeouts() {
	o := &a.options
	o.MaxRetries = -1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = time.Second, 3*time.Second, 3*time.Second
	o.DialerRetries, o.DialerRetryTimeout = 1, 10*time.Millisecond
	o.ContextTimeoutEnabled = true
	o.PoolSize = 32
	o.PipelinePoolSize = -1
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}
