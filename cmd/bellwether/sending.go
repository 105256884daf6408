package main

import (
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"bellwether/apps/app"
	"bellwether/decide"
	"bellwether/store"
	"bellwether/web"
)

// sending makes what carries messages out, as configured. In a dry run without any it is an audience that nobody reads.
func (c *configuration) sending(w app.Way) (actor decide.Actor, closeActor func() error, o decide.SenderOptions, err error) {
	closeActor = func() error { return nil }
	if o, err = c.sender(); err != nil {
		return nil, nil, o, err
	}
	switch {
	case w.By == "mail":
		var options decide.MailOptions
		if options, err = mailOptions(c.SMTP, c.MailFrom); err == nil {
			actor, err = decide.NewMail(options)
		}
	case w.By == "webhook" && (c.Webhook == "" || c.WebhookKey == ""):
		err = web.BadRequest("configure webhook and webhook_key (BELLWETHER_WEBHOOK_KEY) first")
	case w.By == "webhook":
		actor, err = decide.NewWebhook(c.Webhook, []byte(c.WebhookKey), decide.WebhookOptions{})
	case w.Audience != "" && w.Really:
		return audience(w.Audience, o)
	default:
		actor, err = decide.NewAudience(io.Discard, nil, decide.CSV, "")
	}
	return actor, closeActor, o, err
}

// audience writes the list under a temporary name; the whole list is then put in its place, where nothing may be. What is
// not delivered leaves nothing behind.
func audience(path string, o decide.SenderOptions) (decide.Actor, func() error, decide.SenderOptions, error) {
	format := decide.CSV
	if strings.HasSuffix(path, ".jsonl") {
		format = decide.JSONLines
	}
	there := web.BadRequest("%s is there already: name a new file, so that nobody's list is lost. It will hold everybody who was chosen for the campaign, those of earlier lists too", path)
	if _, err := os.Lstat(path); err == nil {
		return nil, nil, o, there
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, nil, o, err
	}
	a, err := decide.NewAudience(f, func() error {
		if err := f.Sync(); err != nil {
			return err
		}
		if err := os.Link(f.Name(), path); os.IsExist(err) { // unlike a rename it takes no other file's place
			return there
		} else if err != nil { // a file system without links
			if err := os.Rename(f.Name(), path); err != nil {
				return err
			}
		}
		return store.SyncFolder(filepath.Dir(path))
	}, format, "")
	return a, func() error {
		if err := os.Remove(f.Name()); err != nil && !os.IsNotExist(err) {
			return errors.Join(f.Close(), err)
		}
		return f.Close()
	}, o, err
}

// mailOptions reads smtp://user:password@host:port; smtp+plain:// does without encryption.
func mailOptions(server, from string) (decide.MailOptions, error) {
	u, err := url.Parse(server)
	if server == "" || err != nil || u.Hostname() == "" || from == "" {
		return decide.MailOptions{}, web.BadRequest("configure smtp, such as smtp://user:password@host:587, and mail_from first")
	}
	out := decide.MailOptions{Host: u.Hostname(), From: from, User: u.User.Username(), Plain: u.Scheme == "smtp+plain"}
	out.Password, _ = u.User.Password()
	if p := u.Port(); p != "" {
		if out.Port, err = strconv.Atoi(p); err != nil {
			return out, web.BadRequest("smtp has the port %q", p)
		}
	}
	return out, nil
}

// sender is how messages are held back, as configured.
func (c *configuration) sender() (decide.SenderOptions, error) {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return decide.SenderOptions{}, web.BadRequest("configuration: time_zone: %w", err)
	}
	out := decide.SenderOptions{Quiet: decide.QuietHours{Zone: zone}}
	if c.MessageCap > 0 {
		out.Caps = []decide.Cap{{Per: decide.Global, Max: c.MessageCap, Window: 7 * 24 * time.Hour}}
	}
	for _, q := range []struct {
		text string
		at   *time.Duration
	}{{c.QuietFrom, &out.Quiet.From}, {c.QuietTo, &out.Quiet.To}} {
		if q.text == "" {
			continue
		}
		t, err := time.Parse("15:04", q.text)
		if err != nil {
			return out, web.BadRequest("configuration: quiet hours are written as 21:00, not %q", q.text)
		}
		*q.at = time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
	}
	return out, nil
}
