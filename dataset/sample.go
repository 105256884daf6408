package dataset

import (
	"hash/fnv"
	"sort"
	"sync"
	"sync/atomic"

	"bellwether"
)

// sampleLevels is how often the share of people that is kept can be lowered, each time to nine tenths.
const sampleLevels = 256

// sampleLimits are the hashes below which people are kept, by level.
var sampleLimits = func() (limits [sampleLevels]uint64) {
	limits[0] = 1<<64 - 1
	for k := 1; k < sampleLevels; k++ {
		limits[k] = limits[k-1] / 10 * 9
	}
	return limits
}()

// sampleLevel is the deepest level at which a person is still kept. It is no part of the hash by which a pass cuts people.
func sampleLevel(s bellwether.Subject) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte("sample\x00" + s))
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9 // the end of SplitMix64: FNV's high bits hardly change with the last letters
	x = (x ^ x>>27) * 0x94d049bb133111eb
	x ^= x >> 31
	return max(0, sort.Search(sampleLevels, func(k int) bool { return sampleLimits[k] < x })-1)
}

// budget bounds what all forks of a reducer keep together. The level rises only when what was seen of the people
// below its limit is more than the budget allows, so that it ends where one look at everybody would put it, whatever the order.
type budget struct {
	most  int64
	level atomic.Int32 // people of a lower one are left out; written under mu

	mu     sync.Mutex
	counts [sampleLevels]int64 // by level, of those that the level of the time kept
	total  int64               // of counts from level on
}

// take counts a person who brings n steps or rows, and reports whether the person is kept.
func (b *budget) take(level, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := int(b.level.Load())
	if level < now {
		return false
	}
	b.counts[level] += int64(n)
	for b.total += int64(n); b.total > b.most && now < sampleLevels-1; now++ {
		b.total -= b.counts[now]
	}
	b.level.Store(int32(now))
	return level >= now
}

// keeps reports whether people of a level are still kept.
func (b *budget) keeps(level int) bool { return level >= int(b.level.Load()) }

// kept is how many steps or rows are kept.
func (b *budget) kept() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.total
}

// share is the share of people that is kept.
func (b *budget) share() float64 {
	return float64(sampleLimits[b.level.Load()]) / float64(sampleLimits[0])
}
