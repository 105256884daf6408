package decide

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"

	"bellwether"

	"github.com/wneessen/go-mail"
)

// MailOptions configure a [Mail]. Host and From are needed.
type MailOptions struct {
	Host        string // of the SMTP server
	Port        int    // 0: 587
	User        string // "": no authentication
	Password    string
	From        string               // "Shop <news@shop.example>"
	Plain       bool                 // no encryption: for a relay on the same machine
	Unsubscribe func(Message) string // https address that ends the messages in one click (RFC 8058); nil: none
	Channel     bellwether.Channel   // "": "email"
	Clock       func() time.Time     // nil: time.Now
	Timeout     time.Duration        // 0: 15 s
}

// Mail sends each message as an e-mail over SMTP.
type Mail struct {
	o      MailOptions
	domain string
}

// NewMail returns an actor that sends through o.Host.
func NewMail(o MailOptions) (*Mail, error) {
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return nil, fmt.Errorf("sender's address %q: %w", o.From, err)
	}
	if o.Host == "" {
		return nil, errors.New("no SMTP host is given")
	}
	if o.Port == 0 {
		o.Port = 587
	}
	if o.Channel == "" {
		o.Channel = "email"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	return &Mail{o: o, domain: from.Address[strings.LastIndexByte(from.Address, '@')+1:]}, nil
}

// Channel implements [Actor].
func (m *Mail) Channel() bellwether.Channel { return m.o.Channel }

// Act sends one e-mail, whose Message-ID carries the decision's id.
func (m *Mail) Act(ctx context.Context, msg Message) error {
	letter, err := m.letter(msg)
	if err != nil {
		return fmt.Errorf("write the e-mail: %w: %w", ErrNotDelivered, err)
	}
	client, err := m.client()
	if err != nil {
		return fmt.Errorf("set up SMTP: %w: %w", ErrNotDelivered, err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("reach %s: %w: %w", m.o.Host, ErrNotDelivered, err)
	}
	defer func() { _ = client.CloseWithSMTPClient(conn) }() // the letter is accepted or refused by then
	if err := client.SendWithSMTPClient(conn, letter); err != nil {
		var refused *mail.SendError
		if errors.As(err, &refused) && refused.ErrorCode() >= 400 {
			return fmt.Errorf("%s refused the e-mail: %w: %w", m.o.Host, ErrNotDelivered, err)
		}
		return fmt.Errorf("send the e-mail: %w", err)
	}
	return nil
}

func (m *Mail) client() (*mail.Client, error) {
	policy := mail.TLSMandatory
	if m.o.Plain {
		policy = mail.NoTLS
	}
	options := []mail.Option{mail.WithPort(m.o.Port), mail.WithTLSPolicy(policy), mail.WithTimeout(m.o.Timeout)}
	if m.o.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.o.User), mail.WithPassword(m.o.Password))
	}
	return mail.NewClient(m.o.Host, options...)
}

// letter builds the message.
func (m *Mail) letter(msg Message) (*mail.Msg, error) {
	l := mail.NewMsg()
	if err := l.From(m.o.From); err != nil {
		return nil, err
	}
	if err := l.To(msg.Address); err != nil {
		return nil, err
	}
	l.Subject(msg.Title)
	l.SetDateWithValue(m.o.Clock())
	l.SetMessageIDWithValue(string(msg.Decision.ID) + "@" + m.domain)
	l.SetBodyString(mail.TypeTextPlain, msg.Text)
	if msg.HTML != "" {
		l.AddAlternativeString(mail.TypeTextHTML, msg.HTML)
	}
	if m.o.Unsubscribe != nil {
		if err := l.SetListUnsubscribeOneClick(m.o.Unsubscribe(msg)); err != nil {
			return nil, err
		}
	}
	return l, nil
}
