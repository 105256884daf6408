package decide

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
)

// letterBox is an SMTP server (RFC 5321) of the few verbs that a client needs; it keeps what it accepts.
type letterBox struct {
	listener net.Listener
	refuse   string // answers RCPT with this, when set

	mu      sync.Mutex
	letters []string
}

func newLetterBox(t *testing.T, refuse string) *letterBox {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &letterBox{listener: l, refuse: refuse}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.serve(conn)
		}
	})
	t.Cleanup(func() { l.Close(); served.Wait() })
	return b
}

func (b *letterBox) port() int { return b.listener.Addr().(*net.TCPAddr).Port }

func (b *letterBox) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewScanner(conn)
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	say("220 box ready")
	for in.Scan() {
		verb, _, _ := strings.Cut(strings.ToUpper(in.Text()), " ")
		switch {
		case verb == "RCPT" && b.refuse != "":
			say(b.refuse)
		case verb == "DATA":
			say("354 go on")
			var letter strings.Builder
			for in.Scan() && in.Text() != "." {
				letter.WriteString(in.Text() + "\r\n")
			}
			b.mu.Lock()
			b.letters = append(b.letters, letter.String())
			b.mu.Unlock()
			say("250 kept")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 box")
		}
	}
}

func newMail(t *testing.T, port int) *Mail {
	t.Helper()
	m, err := NewMail(MailOptions{
		Host: "127.0.0.1", Port: port, Plain: true, From: "Shop <news@shop.example>", Clock: fixedClock,
		Unsubscribe: func(m Message) string { return "https://shop.example/stop/" + string(m.Decision.Subject) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMailArrives(t *testing.T) {
	box := newLetterBox(t, "")
	m := message("d1", "ann", func(m *Message) { m.Title, m.HTML = "Frühling", "<p>Spring is here.</p>" })
	if err := newMail(t, box.port()).Act(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	letter, err := netmail.ReadMessage(strings.NewReader(box.letters[0]))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<d1@shop.example>", "To": "<ann@example.org>", "From": `"Shop" <news@shop.example>`,
		"List-Unsubscribe": "<https://shop.example/stop/ann>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "Subject": "=?UTF-8?q?Fr=C3=BChling?=",
	} {
		if got := letter.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, part := range []string{"multipart/alternative", "Spring is here.", "<p>Spring"} {
		if !strings.Contains(box.letters[0], part) {
			t.Errorf("the letter lacks %q", part)
		}
	}
}

func TestMailFailuresAreNotDelivered(t *testing.T) {
	refusing := newLetterBox(t, "550 no such person")
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := closed.Addr().(*net.TCPAddr).Port
	closed.Close()
	for name, c := range map[string]struct {
		port    int
		address string
	}{
		"refused":       {refusing.port(), "ann@example.org"},
		"no server":     {port, "ann@example.org"},
		"bad address":   {refusing.port(), "not an address"},
		"header forged": {refusing.port(), "ann@example.org\r\nBcc: all@example.org"},
	} {
		err := newMail(t, c.port).Act(context.Background(), message("d1", "ann", func(m *Message) { m.Address = c.address }))
		if !errors.Is(err, ErrNotDelivered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(refusing.letters) != 0 {
		t.Error("a refused letter arrived")
	}
}

func TestMailSettings(t *testing.T) {
	for _, o := range []MailOptions{{Host: "h", From: "nobody"}, {From: "a@b.example"}} {
		if _, err := NewMail(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
