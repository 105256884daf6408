package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/decide"
	"bellwether/host"
	"bellwether/learn"
	"bellwether/pipeline"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

// configuration is the YAML file: strict, every field with a default.
type configuration struct {
	Listen         string                              `yaml:"listen"`                    // address of the HTTP interface
	Certificate    string                              `yaml:"certificate,omitempty"`     // PEM file: answer over TLS
	CertificateKey string                              `yaml:"certificate_key,omitempty"` // PEM file of its key
	Prefix         string                              `yaml:"prefix,omitempty"`          // first-party path, such as /e, under which browsers send events too
	NATS           string                              `yaml:"nats,omitempty"`            // URL of an external NATS; empty: embedded
	Currency       bellwether.Currency                 `yaml:"currency"`                  // of the project
	Rates          map[bellwether.Currency]float64     `yaml:"rates,omitempty"`           // value of one unit of another currency in the project's
	Policies       map[bellwether.Surface]decide.Named `yaml:"policies,omitempty"`        // by surface, such as a threshold for email; others have softmax
	Costs          costs                               `yaml:"costs,omitempty"`           // of messages, coupons and the rest, without which the return on cost is withheld
	Nobody         []string                            `yaml:"nobody,omitempty"`          // ids that name no person or device, beside null, undefined, 0 and their like
	HoldoutShare   float64                             `yaml:"holdout_share"`             // of people, left alone so that the product's worth can be measured
	CompareFrom    time.Time                           `yaml:"compare_from,omitempty"`    // decisions before it are not compared with the holdout
	TurnEvery      time.Duration                       `yaml:"turn_every"`                // 0: only by hand
	Minutes        float64                             `yaml:"minutes"`                   // of training a turn
	Epochs         int                                 `yaml:"epochs,omitempty"`          // of the neural models; 0: their preset's
	Preset         string                              `yaml:"preset"`                    // of the customer model: tiny, base, large, or a JSON file of settings
	Seed           uint64                              `yaml:"seed"`                      // of training
	SMTP           string                              `yaml:"smtp,omitempty"`            // smtp://user:password@host:port of the mail server
	MailFrom       string                              `yaml:"mail_from,omitempty"`       // sender of campaign mail
	Webhook        string                              `yaml:"webhook,omitempty"`         // URL that campaign messages are posted to
	WebhookKey     string                              `yaml:"webhook_key,omitempty"`     // secret of the signature
	QuietFrom      string                              `yaml:"quiet_from,omitempty"`      // quiet hours, such as 21:00
	QuietTo        string                              `yaml:"quiet_to,omitempty"`        // such as 08:00
	TimeZone       string                              `yaml:"time_zone"`                 // of the quiet hours
	MessageCap     int                                 `yaml:"message_cap"`               // messages a person in 7 days
}

func defaults() configuration {
	return configuration{
		Listen: "127.0.0.1:8080", Currency: "USD", HoldoutShare: 0.05, TurnEvery: 24 * time.Hour,
		Minutes: 15, Preset: "base", Seed: 42, TimeZone: "UTC", MessageCap: 3,
	}
}

// configured reads the configuration file over the defaults, then the environment.
func (s *shell) configured() (configuration, error) {
	c, path, named := defaults(), s.config, s.config != ""
	if !named {
		path = filepath.Join(s.data, "config.yaml")
	}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && !named:
	case err != nil:
		return c, fmt.Errorf("reading the configuration: %w", err)
	default:
		defer f.Close()
		err := yaml.NewDecoder(f, yaml.Strict()).Decode(&c)
		if err != nil && !errors.Is(err, io.EOF) {
			return c, exit{2, fmt.Errorf("configuration %s: %w", path, err)}
		}
	}
	c.Listen, c.NATS = env("BELLWETHER_LISTEN", c.Listen), env("BELLWETHER_NATS", c.NATS)
	c.SMTP, c.WebhookKey = env("BELLWETHER_SMTP", c.SMTP), env("BELLWETHER_WEBHOOK_KEY", c.WebhookKey)
	if c.HoldoutShare < 0 || c.HoldoutShare >= 1 {
		return c, exit{2, fmt.Errorf("configuration: holdout_share is %g; give a share of 0 or more and below 1", c.HoldoutShare)}
	}
	return c, nil
}

// training is what a turn spends, as configured.
func (c *configuration) training() (learn.Training, error) {
	t := learn.Training{Minutes: c.Minutes, Epochs: c.Epochs, Seed: c.Seed}
	if err := host.SetPreset(&t, c.Preset); err != nil {
		return t, fmt.Errorf("configuration: preset: %w", err)
	}
	return t, nil
}

// options are the project's, as configured.
func (c *configuration) options() (pipeline.Options, error) {
	training, err := c.training()
	if err != nil {
		return pipeline.Options{}, err
	}
	spent, err := c.Costs.measured(c.Currency)
	if err != nil {
		return pipeline.Options{}, err
	}
	policies, err := c.policies()
	if err != nil {
		return pipeline.Options{}, err
	}
	share := c.HoldoutShare
	if share == 0 {
		share = -1 // none, said on purpose
	}
	return pipeline.Options{
		Options:  app.Options{Sending: c.sending},
		Currency: c.Currency, Rates: c.Rates, Nobody: c.Nobody, HoldoutShare: share, CompareFrom: c.CompareFrom,
		Policies: policies, Costs: spent, Training: training,
	}, nil
}

// policies are the surfaces' own, as configured.
func (c *configuration) policies() (map[bellwether.Surface]decide.Policy, error) {
	out := make(map[bellwether.Surface]decide.Policy, len(c.Policies))
	for surface, named := range c.Policies {
		p, err := named.Make()
		if err != nil {
			return nil, exit{2, fmt.Errorf("configuration: policies: %s: %w", surface, err)}
		}
		out[surface] = p
	}
	return out, nil
}

func (s *shell) configs() *cobra.Command {
	var original bool
	show := &cobra.Command{
		Use: "show", Short: "Print the configuration that holds, and where each value comes from", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, from := defaults(), map[string]string{}
			if !original {
				var err error
				if conf, err = s.configured(); err == nil {
					from, err = s.origins()
				}
				if err != nil {
					return err
				}
				conf.WebhookKey, conf.SMTP = masked(conf.WebhookKey), masked(conf.SMTP)
			}
			b, err := yaml.Marshal(conf)
			if err != nil {
				return fmt.Errorf("writing the configuration: %w", err)
			}
			_, err = io.WriteString(c.OutOrStdout(), withOrigins(string(b), from))
			return err
		},
	}
	show.Flags().BoolVar(&original, "defaults", false, "the defaults in place of what holds")
	show.Flags().Bool("effective", true, "what holds; it is what is shown anyway")
	_ = show.Flags().MarkHidden("effective") // the flag is there: it was set a line above
	cmd := &cobra.Command{Use: "config", Short: "The configuration"}
	cmd.AddCommand(show)
	return cmd
}

// settingVariables are the environment's names of settings.
var settingVariables = map[string]string{"listen": "BELLWETHER_LISTEN", "nats": "BELLWETHER_NATS", "smtp": "BELLWETHER_SMTP", "webhook_key": "BELLWETHER_WEBHOOK_KEY"}

// origins says of each setting that is no default where it comes from.
func (s *shell) origins() (map[string]string, error) {
	out := map[string]string{}
	path := s.config
	if path == "" {
		path = filepath.Join(s.data, "config.yaml")
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	named := map[string]any{}
	if err := yaml.Unmarshal(text, &named); err != nil {
		return nil, exit{2, fmt.Errorf("configuration %s: %w", path, err)}
	}
	for key := range named {
		out[key] = path
	}
	for key, variable := range settingVariables {
		if os.Getenv(variable) != "" {
			out[key] = variable
		}
	}
	return out, nil
}

// withOrigins writes behind each setting where it comes from.
func withOrigins(text string, from map[string]string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		key, _, found := strings.Cut(line, ":")
		origin := from[key]
		if origin == "" {
			origin = "default"
		}
		if found && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "-") {
			line = fmt.Sprintf("%-40s # %s", line, origin)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

func masked(secret string) string {
	if secret == "" {
		return ""
	}
	return "(set)"
}
