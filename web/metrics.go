package web

import (
	"net/http"
	"strconv"
	"time"

	"bellwether"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Gauge is a figure of each project that is read when somebody asks for it.
type Gauge struct {
	Name   string   // such as bellwether_events_total
	Help   string   // one line
	Labels []string // beside project
	Rises  bool     // it only rises: a counter
	Read   func(set func(id bellwether.ProjectID, value float64, labels ...string))
}

const projectLabel = "project"

// metrics are the figures of the server and of its projects.
type metrics struct {
	gauges   []Gauge
	registry *prometheus.Registry
	latency  *prometheus.SummaryVec // seconds of answered requests, by operation
	failures *prometheus.CounterVec // by operation and status
}

func newMetrics(gauges []Gauge) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), gauges: gauges}
	m.latency = prometheus.NewSummaryVec(prometheus.SummaryOpts{
		Name: "bellwether_request_seconds", Help: "Time to answer, by operation.",
		Objectives: map[float64]float64{0.5: 0.02, 0.9: 0.01, 0.99: 0.001},
	}, []string{"operation"})
	m.failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "bellwether_request_failures_total", Help: "Requests that were not answered with success, by status.",
	}, []string{"operation", "status"})
	m.registry.MustRegister(m.latency, m.failures, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) observe(operation string, status int, took time.Duration) {
	if status >= http.StatusBadRequest {
		m.failures.WithLabelValues(operation, strconv.Itoa(status)).Inc()
		return
	}
	m.latency.WithLabelValues(operation).Observe(took.Seconds())
}

// show writes the figures. Whoever asks with a project's key sees its figures and the server's, and no other project's.
func (m *metrics) show(w http.ResponseWriter, r *http.Request) error {
	c := CallFrom(r.Context())
	projects := prometheus.NewRegistry()
	for i := range m.gauges {
		projects.MustRegister(gaugeCollector{&m.gauges[i], c.Project, c.Local})
	}
	seen := prometheus.Gatherers{m.registry, projects}
	promhttp.HandlerFor(seen, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	return nil
}

// gaugeCollector reads a gauge of one project, or of all.
type gaugeCollector struct {
	g   *Gauge
	of  bellwether.ProjectID
	all bool
}

func (c gaugeCollector) desc() *prometheus.Desc {
	return prometheus.NewDesc(c.g.Name, c.g.Help, append([]string{projectLabel}, c.g.Labels...), nil)
}

// Describe sends the gauge's description.
func (c gaugeCollector) Describe(to chan<- *prometheus.Desc) { to <- c.desc() }

// Collect sends the gauge's values.
func (c gaugeCollector) Collect(to chan<- prometheus.Metric) {
	kind := prometheus.GaugeValue
	if c.g.Rises {
		kind = prometheus.CounterValue
	}
	desc := c.desc()
	c.g.Read(func(id bellwether.ProjectID, value float64, labels ...string) {
		if !c.all && id != c.of {
			return
		}
		if m, err := prometheus.NewConstMetric(desc, kind, value, append([]string{string(id)}, labels...)...); err == nil {
			to <- m
		}
	})
}
