package engine

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"bellwether"
)

// randomSequences are people with as many steps each, all for training.
func randomSequences(people, length, items int) *bellwether.Dataset {
	rng, q := rand.New(rand.NewPCG(42, 0)), &bellwether.Sequences{Types: []bellwether.EventType{bellwether.Purchase}}
	for i := range items {
		q.Items = append(q.Items, bellwether.ItemID(strconv.Itoa(i)))
	}
	for p := range people {
		steps := make([]bellwether.Step, length)
		for i := range steps {
			steps[i] = bellwether.Step{Item: rng.Int32N(int32(items)), Time: int64(i)}
		}
		q.People, q.Steps, q.TrainEnd = append(q.People, bellwether.Subject(strconv.Itoa(p))), append(q.Steps, steps), append(q.TrainEnd, length)
	}
	return &bellwether.Dataset{Sequences: q}
}

// leaveOneOut reads lines of "user item item …". The last two items of a user
// are no part of training.
func leaveOneOut(path string) (*bellwether.Dataset, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	q, known := &bellwether.Sequences{Types: []bellwether.EventType{bellwether.Purchase}}, map[string]int32{}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		user, items, _ := strings.Cut(lines.Text(), " ")
		var steps []bellwether.Step
		for _, item := range strings.Fields(items) {
			i, ok := known[item]
			if !ok {
				i = int32(len(q.Items))
				known[item], q.Items = i, append(q.Items, bellwether.ItemID(item))
			}
			steps = append(steps, bellwether.Step{Item: i, Time: int64(len(steps))})
		}
		q.People, q.Steps, q.TrainEnd = append(q.People, bellwether.Subject(user)), append(q.Steps, steps), append(q.TrainEnd, max(0, len(steps)-2))
	}
	return &bellwether.Dataset{Sequences: q}, lines.Err()
}

// randomTable has columns of numbers and a target of two classes.
func randomTable(rows, columns int) *bellwether.Dataset {
	rng, t := rand.New(rand.NewPCG(42, 0)), &bellwether.Table{Positive: "1"}
	for c := range columns {
		numbers := make([]float64, rows)
		for i := range numbers {
			numbers[i] = rng.NormFloat64()
		}
		t.Columns = append(t.Columns, bellwether.Column{Name: strconv.Itoa(c), Numbers: numbers})
	}
	for range rows {
		t.Target = append(t.Target, float64(rng.IntN(2)))
	}
	return &bellwether.Dataset{Table: t}
}
