package measure

import (
	"hash/fnv"
	"maps"
	"math"
	"slices"

	"bellwether"
)

const (
	folds       = 5
	maxContext  = 24   // context features that the reward model reads
	actionPrior = 20.0 // rows that an action's own mean must outweigh
	ridge       = 1.0  // penalty on standardised columns
)

// foldOf puts a person's rows into one fold, so that no prediction has seen the person.
func foldOf(s bellwether.Subject) int {
	h := fnv.New32a()
	h.Write([]byte(s))
	return int(h.Sum32() % folds)
}

// rewardModel predicts the reward of an action at a position: a ridge regression on score, position and
// context, plus the action's own mean residual shrunk towards 0. It is fitted once a fold, on
// the other folds' rows.
type rewardModel struct {
	context   []string // names of the context features, in order
	positions int
	fits      [folds]fit
}

// fit is one fold's model.
type fit struct {
	centre, scale, weights []float64 // by column
	intercept              float64
	actions                map[string]float64
}

// modelRow is one chosen action.
type modelRow struct {
	fold, position int
	action         string
	score, reward  float64
	context        map[string]float64
	x              []float64 // columns, filled in by train
}

// Columns: score, one for each position after the first, context.
func (m *rewardModel) columns(context map[string]float64, score float64, position int) []float64 {
	x := make([]float64, m.positions+len(m.context))
	x[0] = score
	if position > 0 {
		x[position] = 1
	}
	for i, name := range m.context {
		x[m.positions+i] = context[name]
	}
	return x
}

// trainReward fits a model of the rows' rewards, once a fold.
func trainReward(rows []modelRow) *rewardModel {
	m, names := &rewardModel{positions: 1}, map[string]bool{}
	for _, r := range rows {
		m.positions = max(m.positions, r.position+1)
		for name := range r.context {
			names[name] = true
		}
	}
	m.context = slices.Sorted(maps.Keys(names))
	m.context = m.context[:min(len(m.context), maxContext)]
	for i := range rows {
		rows[i].x = m.columns(rows[i].context, rows[i].score, rows[i].position)
	}
	for f := range m.fits {
		var out []modelRow
		for _, r := range rows {
			if r.fold != f {
				out = append(out, r)
			}
		}
		m.fits[f] = fitRidge(out, m.positions+len(m.context))
	}
	return m
}

func fitRidge(rows []modelRow, width int) fit {
	f := fit{centre: make([]float64, width), scale: make([]float64, width), weights: make([]float64, width), actions: map[string]float64{}}
	if len(rows) == 0 {
		return f
	}
	n := float64(len(rows))
	for _, r := range rows {
		f.intercept += r.reward / n
		for j, v := range r.x {
			f.centre[j] += v / n
		}
	}
	for _, r := range rows {
		for j, v := range r.x {
			f.scale[j] += (v - f.centre[j]) * (v - f.centre[j]) / n
		}
	}
	for j := range f.scale {
		f.scale[j] = math.Sqrt(f.scale[j])
	}
	f.solve(rows)
	f.addActions(rows)
	return f
}

// solve finds the ridge weights from the normal equations by Cholesky decomposition.
func (f *fit) solve(rows []modelRow) {
	width := len(f.weights)
	gram, z := make([]float64, width*width), make([]float64, width)
	for _, r := range rows {
		for j, v := range r.x {
			z[j] = f.standard(j, v)
		}
		for j, a := range z {
			f.weights[j] += a * (r.reward - f.intercept)
			for k := range j + 1 {
				gram[j*width+k] += a * z[k]
			}
		}
	}
	for j := range width {
		gram[j*width+j] += ridge
	}
	cholesky(gram, f.weights)
}

func (f *fit) standard(column int, v float64) float64 {
	if f.scale[column] == 0 {
		return 0
	}
	return (v - f.centre[column]) / f.scale[column]
}

// cholesky replaces b by the solution of A·x = b; the lower triangle of the positive definite A is used up.
func cholesky(a, b []float64) {
	n := len(b)
	for j := range n {
		for k := range j {
			for i := j; i < n; i++ {
				a[i*n+j] -= a[i*n+k] * a[j*n+k]
			}
		}
		root := math.Sqrt(a[j*n+j])
		for i := j; i < n; i++ {
			a[i*n+j] /= root
		}
	}
	for i := range n {
		for k := range i {
			b[i] -= a[i*n+k] * b[k]
		}
		b[i] /= a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			b[i] -= a[k*n+i] * b[k]
		}
		b[i] /= a[i*n+i]
	}
}

// addActions learns what the columns leave over, action by action.
func (f *fit) addActions(rows []modelRow) {
	count := map[string]float64{}
	for _, r := range rows {
		f.actions[r.action] += r.reward - f.linear(r.x)
		count[r.action]++
	}
	for a := range f.actions {
		f.actions[a] /= count[a] + actionPrior
	}
}

func (f *fit) linear(x []float64) float64 {
	y := f.intercept
	for j, v := range x {
		y += f.weights[j] * f.standard(j, v)
	}
	return y
}

// predict returns the rewards of each candidate at each position: q[position][candidate].
func (m *rewardModel) predict(d *bellwether.Decision, positions int) [][]float64 {
	f := &m.fits[foldOf(d.Subject)]
	q := make([][]float64, positions)
	slope := 0.0 // of the score
	if f.scale[0] > 0 {
		slope = f.weights[0] / f.scale[0]
	}
	for k := range q {
		q[k] = make([]float64, len(d.Candidates))
		base := f.linear(m.columns(d.Context, 0, k))
		for i, c := range d.Candidates {
			q[k][i] = base + slope*c.Score + f.actions[c.Action]
		}
	}
	return q
}
