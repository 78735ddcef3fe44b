package browser

import (
	"slices"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// BenchmarkPage measures the bytes of a page that is loaded with an empty
// cache, and the time to first paint, on loopback.
func BenchmarkPage(b *testing.B) {
	h := startTocsin(b, team)
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	for range 20 {
		h.runCLI("run", "note INC-1 The error rate of checkout rises again after the deploy", "--as", "ben")
	}
	for _, page := range []struct{ name, path string }{{"incidents", "/"}, {"room", "/incidents/INC-1"}, {"declare", "/declare"}} {
		b.Run(page.name, func(b *testing.B) {
			var paints []float64
			var weight int
			for range b.N {
				b.StopTimer()
				p := h.openBrowser()
				p.signIn("ana", "")
				p.do(chromedp.Navigate("about:blank"))
				clearCache(p)
				b.StartTimer()
				p.open(page.path)
				p.waitLive()
				p.waitUntil("something is painted", "performance.getEntriesByName('first-contentful-paint').length > 0")
				b.StopTimer()
				paints = append(paints, evaluate[float64](p, "performance.getEntriesByName('first-contentful-paint')[0].startTime"))
				weight = evaluate[int](p, "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter(e => !e.name.includes('/live')).reduce((sum, e) => sum + e.transferSize, 0)")
			}
			slices.Sort(paints)
			b.ReportMetric(paints[len(paints)/2], "paint-ms")
			b.ReportMetric(float64(weight)/1000, "kB")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// clearCache empties the browser's cache.
func clearCache(p *person) {
	p.t.Helper()
	p.do(network.ClearBrowserCache())
}
