package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"bellwether/decide"
)

// actor makes what carries messages out. In a dry run without any it is an audience that nobody reads.
func (o *opened) actor(audience string, mail, webhook, really bool) (decide.Actor, func() error, error) {
	nothing := func() error { return nil }
	switch {
	case mail:
		options, err := mailOptions(o.conf.SMTP, o.conf.MailFrom)
		if err != nil {
			return nil, nothing, err
		}
		a, err := decide.NewMail(options)
		return a, nothing, err
	case webhook:
		if o.conf.Webhook == "" || o.conf.WebhookKey == "" {
			return nil, nothing, exit{2, errors.New("configure webhook and webhook_key (BELLWETHER_WEBHOOK_KEY) first")}
		}
		a, err := decide.NewWebhook(o.conf.Webhook, []byte(o.conf.WebhookKey), decide.WebhookOptions{})
		return a, nothing, err
	case audience != "" && really:
		f, err := os.Create(audience)
		if err != nil {
			return nil, nothing, err
		}
		format := decide.CSV
		if strings.HasSuffix(audience, ".jsonl") {
			format = decide.JSONLines
		}
		a, err := decide.NewAudience(f, format, "")
		return a, f.Close, err
	case really:
		return nil, nothing, exit{2, errors.New("say how to send: --mail, --webhook or --audience FILE")}
	}
	a, err := decide.NewAudience(io.Discard, decide.CSV, "")
	return a, nothing, err
}

// mailOptions reads smtp://user:password@host:port; smtp+plain:// does without encryption.
func mailOptions(server, from string) (decide.MailOptions, error) {
	u, err := url.Parse(server)
	if server == "" || err != nil || u.Hostname() == "" || from == "" {
		return decide.MailOptions{}, exit{2, errors.New("configure smtp, such as smtp://user:password@host:587, and mail_from first")}
	}
	out := decide.MailOptions{Host: u.Hostname(), From: from, User: u.User.Username(), Plain: u.Scheme == "smtp+plain"}
	out.Password, _ = u.User.Password()
	if p := u.Port(); p != "" {
		if out.Port, err = strconv.Atoi(p); err != nil {
			return out, exit{2, fmt.Errorf("smtp has the port %q", p)}
		}
	}
	return out, nil
}

// sender is how messages are held back, as configured.
func (o *opened) sender() (decide.SenderOptions, error) {
	zone, err := time.LoadLocation(o.conf.TimeZone)
	if err != nil {
		return decide.SenderOptions{}, exit{2, fmt.Errorf("configuration: time_zone: %w", err)}
	}
	out := decide.SenderOptions{Quiet: decide.QuietHours{Zone: zone}}
	if o.conf.MessageCap > 0 {
		out.Caps = []decide.Cap{{Per: decide.Global, Max: o.conf.MessageCap, Window: 7 * 24 * time.Hour}}
	}
	for _, q := range []struct {
		text string
		at   *time.Duration
	}{{o.conf.QuietFrom, &out.Quiet.From}, {o.conf.QuietTo, &out.Quiet.To}} {
		if q.text == "" {
			continue
		}
		t, err := time.Parse("15:04", q.text)
		if err != nil {
			return out, exit{2, fmt.Errorf("configuration: quiet hours are written as 21:00, not %q", q.text)}
		}
		*q.at = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	return out, nil
}

// writePlan shows who gets what, and how many are held back and why.
func writePlan(w io.Writer, planned []decide.Planned, really bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PERSON\tACTION\tADDRESS\tWHAT HAPPENS")
	held := make(map[decide.Reason]int)
	for _, p := range planned {
		what := "would be sent"
		switch {
		case p.Held != "":
			what = "held back: " + string(p.Held)
			if p.Detail != "" {
				what += " (" + p.Detail + ")"
			}
		case p.Error != "":
			what = "failed: " + p.Error
		case p.Sent:
			what = "sent"
		}
		held[p.Held]++
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", p.Subject, p.Action, p.Address, what)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d people, %d get it", len(planned), held[""])
	for _, r := range []decide.Reason{decide.HeldNoAction, decide.HeldHoldout, decide.HeldNoConsent, decide.HeldNoAddress, decide.HeldQuiet, decide.HeldRepeated, decide.HeldCap} {
		if held[r] > 0 {
			fmt.Fprintf(w, ", %d held back: %s", held[r], r)
		}
	}
	if !really {
		fmt.Fprint(w, "\nNothing was decided or sent: this is a dry run. Add --really to do it.")
	}
	_, err := fmt.Fprintln(w)
	return err
}
