package growth

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// Size of a generated shop.
type Size struct {
	Events, People, Items int
}

// Sizes of the gate, smallest first.
var Sizes = []Size{
	{2_000_000, 200_000, 20_000},
	{8_000_000, 800_000, 20_000},
	{20_000_000, 2_000_000, 20_000},
}

// String is the size in words: "2 M events, 200 k people".
func (s Size) String() string {
	return fmt.Sprintf("%s events, %s people", short(s.Events), short(s.People))
}

func short(n int) string {
	if n >= 1_000_000 {
		return strconv.FormatFloat(float64(n)/1e6, 'g', 4, 64) + " M"
	}
	return strconv.FormatFloat(float64(n)/1e3, 'g', 4, 64) + " k"
}

// Header names the columns of the event file.
const Header = "event_id,event_type,timestamp,user_id,anonymous_id,session_id,item_id,quantity,price,currency,channel,campaign,order_id,position,user_agent\n"

// Span is the time over which a shop's events are spread.
const Span = 60 * 24 * time.Hour

const (
	open      = 2048 // sessions at a time
	favourite = 8    // items that a person comes back to
	zipf      = 1.05 // of items' popularity and, less steep, of people's activity
)

// Shop generates one shop's events in the order of time: sessions of people who view, put into the cart, buy and
// come back to what they like; three in ten sessions stay anonymous, one in ten signs in midway.
type Shop struct {
	size     Size
	random   *rand.Rand
	items    *rand.Zipf
	start    time.Time
	step     float64 // nanoseconds between two events
	n        int     // events so far
	sessions [open]session
	begun    uint64
	second   int64  // that stamp holds
	stamp    []byte // RFC 3339 to the second
}

// session is one visit that is under way.
type session struct {
	number    uint64
	person    uint32
	item      uint32
	left      int  // events to come
	stage     byte // of the item: viewed, in the cart
	anonymous bool
	signsIn   bool
	channel   byte
	agent     byte
}

// NewShop returns the shop of a size whose events begin at start.
func NewShop(s Size, seed uint64, start time.Time) *Shop {
	r := rand.New(rand.NewPCG(seed, 0x62656c6c))
	shop := &Shop{
		size: s, random: r, items: rand.NewZipf(r, zipf, 20, uint64(s.Items-1)), start: start.UTC().Truncate(time.Second),
		step: float64(Span) / float64(s.Events), second: math.MinInt64,
	}
	for i := range shop.sessions {
		shop.begin(&shop.sessions[i])
	}
	return shop
}

var (
	channels  = []string{"", "search", "email", "social", "direct"}
	campaigns = []string{"", "brand-search", "autumn-letter", "video-stories", ""}
	agents    = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15",
	}
)

// begin starts the session of somebody: active people come more often.
func (s *Shop) begin(v *session) {
	u := s.random.Float64()
	person := uint32(u * math.Sqrt(u) * float64(s.size.People)) // density ∝ rank^(−1/3)
	kind := s.random.Uint32()
	s.begun++
	*v = session{
		number: s.begun, person: person, left: 1 + int(s.random.ExpFloat64()*5), anonymous: kind%10 < 4, signsIn: kind%10 == 3,
		channel: byte(kind >> 8 % 5), agent: byte(mix(uint64(person)) % 4),
	}
	v.item = s.pick(v)
}

// pick is the next item of a session: one of the person's favourites, or a popular one.
func (s *Shop) pick(v *session) uint32 {
	if s.random.Uint32()%10 < 4 {
		k := s.random.Uint64() % favourite
		u := float64(mix(uint64(v.person)*favourite+k)>>11) / (1 << 53)
		return uint32(u * u * u * float64(s.size.Items))
	}
	return uint32(s.items.Uint64())
}

// mix is the finaliser of splitmix64: the same for the same number, and like chance over numbers.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Write writes the next n events, after the header.
func (s *Shop) Write(w io.Writer, n int) error {
	b := append(make([]byte, 0, 1<<18), Header...)
	for range n {
		if b = s.row(b); len(b) > 1<<18-1024 {
			if _, err := w.Write(b); err != nil {
				return fmt.Errorf("growth: writing events: %w", err)
			}
			b = b[:0]
		}
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("growth: writing events: %w", err)
	}
	return nil
}

// row appends one event and moves its session on.
func (s *Shop) row(b []byte) []byte {
	v := &s.sessions[s.random.Uint32()%open]
	kind, bought := s.next(v)
	b = append(b, "ev-"...)
	b = hex(b, mix(uint64(s.n)<<1|1))
	b = append(append(append(b, ','), kind...), ',')
	b = append(s.time(b), ',')
	if !v.anonymous || kind == "identify" {
		b = strconv.AppendUint(append(b, "user-"...), uint64(v.person), 10)
	}
	b = append(b, ",dev-"...)
	b = strconv.AppendUint(b, uint64(v.person)*2+uint64(v.agent&1), 10)
	b = strconv.AppendUint(append(b, ",s"...), v.number, 10)
	b = append(b, ',')
	if kind == "identify" {
		b = append(b, ",,,"...)
		v.anonymous, v.signsIn = false, false
	} else {
		b = s.about(b, v, bought)
	}
	b = append(append(append(b, ','), channels[v.channel]...), ',')
	b = append(append(b, campaigns[v.channel]...), ',')
	if bought {
		b = strconv.AppendUint(append(b, "order-"...), v.number, 10)
	}
	b = append(b, ',')
	if kind == "select_item" {
		b = strconv.AppendUint(b, 1+v.number%10, 10)
	}
	b = append(append(append(b, ','), '"'), agents[v.agent]...) // it has commas
	b = append(b, '"', '\n')
	s.n++
	if v.left--; v.left <= 0 {
		s.begin(v)
	}
	return b
}

// next is what happens next in a session.
func (s *Shop) next(v *session) (kind string, bought bool) {
	chance := s.random.Uint32() % 100
	switch {
	case v.anonymous && v.signsIn && chance < 40:
		return "identify", false
	case v.stage == 2 && chance < 50:
		v.stage = 0
		return "purchase", true
	case v.stage == 1 && chance < 15:
		v.stage = 2
		return "add_to_cart", false
	case v.stage == 0 && chance < 30:
		v.item, v.stage = s.pick(v), 1
		return "select_item", false
	}
	if chance < 80 {
		v.item = s.pick(v)
	}
	v.stage = 1
	return "view_item", false
}

// about appends item, quantity, price and currency.
func (s *Shop) about(b []byte, v *session, bought bool) []byte {
	b = strconv.AppendUint(append(b, "item-"...), uint64(v.item), 10)
	b = append(b, ',')
	if bought {
		b = strconv.AppendUint(b, 1+v.number%7/6, 10)
	}
	return append(appendPrice(append(b, ','), v.item), ",EUR"...)
}

// appendPrice appends an item's price, 1.00–200.99.
func appendPrice(b []byte, item uint32) []byte {
	h := mix(uint64(item) + 1<<40)
	b = strconv.AppendUint(b, 1+h%200, 10)
	cents := h >> 32 % 100
	return append(b, '.', byte('0'+cents/10), byte('0'+cents%10))
}

// time appends when the event happens.
func (s *Shop) time(b []byte) []byte {
	at := int64(float64(s.n) * s.step)
	if second := at / 1e9; second != s.second {
		s.second = second
		s.stamp = s.start.Add(time.Duration(second)*time.Second).AppendFormat(s.stamp[:0], "2006-01-02T15:04:05")
	}
	b = append(append(b, s.stamp...), '.')
	ms := at / 1e6 % 1000
	return append(b, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

func hex(b []byte, x uint64) []byte {
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[x>>shift&15])
	}
	return b
}

// Catalogue writes the shop's items.
func Catalogue(w io.Writer, items int) error {
	b := []byte("item_id,title,category,brand,price,currency\n")
	for i := range items {
		h := mix(uint64(i) + 1<<41)
		b = fmt.Appendf(b, "item-%d,Article %d,category-%d,brand-%d,", i, i, h%40, h>>8%200)
		b = append(appendPrice(b, uint32(i)), ",EUR\n"...)
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("growth: writing the catalogue: %w", err)
	}
	return nil
}
