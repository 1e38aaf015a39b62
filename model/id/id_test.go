package id

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
)

var start = clock.From(time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC))

func TestNext(t *testing.T) {
	t.Run("ids are distinct across goroutines, nodes and a clock that stands still", func(t *testing.T) {
		clk := clock.NewFake(start)
		seen := sync.Map{}
		var wg sync.WaitGroup
		for node := range 4 {
			src := NewSource(clk, node)
			for range 4 {
				wg.Go(func() {
					for range 5000 {
						if _, dup := seen.LoadOrStore(src.Next(), true); dup {
							t.Error("an id came twice")
							return
						}
					}
				})
			}
		}
		wg.Wait()
	})
	t.Run("a clock that jumps back repeats nothing", func(t *testing.T) {
		clk := clock.NewFake(start)
		src := NewSource(clk, 1)
		seen := map[ID]bool{}
		for i := range 20000 {
			switch i % 1000 {
			case 300:
				clk.Advance(time.Second)
			case 600:
				clk.Advance(-time.Hour)
			}
			v := src.Next()
			if v <= 0 || seen[v] {
				t.Fatalf("id %d is not new or not positive", v)
			}
			seen[v] = true
		}
	})
	t.Run("without shards ids grow with time and are distinct all the same", func(t *testing.T) {
		clk := clock.NewFake(start)
		src, last := NewSingleSource(clk, 4095), ID(0)
		for i := range 20000 {
			if i%300 == 0 {
				clk.Advance(time.Millisecond)
			}
			v := src.Next()
			if v <= last {
				t.Fatalf("%d after %d", v, last)
			}
			last = v
		}
	})
	t.Run("one id per tick still uses all shards", func(t *testing.T) {
		clk := clock.NewFake(start)
		src := NewSource(clk, 1)
		shards := map[ID]int{}
		for range 1600 {
			clk.Advance(8 * time.Millisecond)
			shards[src.Next()>>59]++
		}
		for s := range ID(16) {
			if shards[s] < 50 {
				t.Fatalf("shard %d got %d of 1600", s, shards[s])
			}
		}
	})
}

func TestJSON(t *testing.T) {
	b, err := json.Marshal(ID(9007199254740993))
	if err != nil || string(b) != `"9007199254740993"` {
		t.Fatal(string(b), err)
	}
	var v ID
	for _, bad := range []string{`"-1"`, `"x"`, `12`, `"99999999999999999999"`} {
		if json.Unmarshal([]byte(bad), &v) == nil {
			t.Errorf("accepted %s", bad)
		}
	}
}

// FuzzParse: an id is positive and has exactly one meaning in text and in JSON.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1", "9223372036854775807", "9223372036854775808", "-1", "+1", "0x1", " 1", "\uff11", "1_0", "null", "\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := Parse(s); err == nil {
			if again, err := Parse(v.String()); v <= 0 || err != nil || again != v {
				t.Fatalf("%q is %d, written %s, read back %d, %v", s, v, v, again, err)
			}
		} else if v != 0 {
			t.Fatalf("refused %q but returned %d", s, v)
		}
		var v ID
		if json.Unmarshal([]byte(s), &v) != nil {
			return
		}
		b, err := json.Marshal(v)
		var again ID
		if err != nil || json.Unmarshal(b, &again) != nil || again != v || v < 0 {
			t.Fatalf("JSON %q is %d, written %s, read back %d, %v", s, v, b, again, err)
		}
	})
}
