package scan

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Place is where an address is, coarsely. Latitude and longitude are in units of
// 1/10000 degree; both zero means unknown.
type Place struct {
	Province, City string
	LatE4, LonE4   int32
}

// name is what a verdict shows: the city, or the province when that is all.
func (p Place) name() string {
	if p.City != "" {
		return cut(p.City, 32)
	}
	return cut(p.Province, 32)
}

// Placer finds the place of an IP address. An unknown address has the zero Place.
type Placer interface{ Place(ip string) Place }

// Nowhere knows no place.
type Nowhere struct{}

// Place returns the zero Place.
func (Nowhere) Place(string) Place { return Place{} }

// Networks is a table of networks: the longest prefix that holds an address wins.
type Networks struct {
	places  map[netip.Prefix]Place
	lengths [2][]int // prefix lengths in use, longest first: IPv4, IPv6
}

const maxNetworks = 4_000_000

// ReadNetworks reads lines "network,province,city,latitude,longitude", e.g.
// "1.2.0.0/16,上海市,上海,31.2304,121.4737"; latitude and longitude may be left
// empty. Lines that begin with # and one header line are skipped. Operators supply
// the table; siyu ships none.
func ReadNetworks(r io.Reader) (*Networks, error) {
	n := &Networks{places: map[netip.Prefix]Place{}}
	// Excel writes a byte order mark.
	in := csv.NewReader(bufio.NewReader(r))
	in.Comment, in.FieldsPerRecord, in.TrimLeadingSpace, in.ReuseRecord = '#', 5, true, true
	for first := true; ; first = false {
		rec, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("scan: places: %w", err)
		}
		line, _ := in.FieldPos(0)
		p, err := netip.ParsePrefix(strings.TrimPrefix(strings.TrimSpace(rec[0]), "\ufeff"))
		if err != nil {
			if first {
				continue
			}
			return nil, fmt.Errorf("scan: places: line %d: %q is not a network", line, rec[0])
		}
		lat, err1 := degrees(rec[3], 90)
		lon, err2 := degrees(rec[4], 180)
		if err1 != nil || err2 != nil {
			return nil, fmt.Errorf("scan: places: line %d: latitude or longitude is not a number in range", line)
		}
		n.places[p.Masked()] = Place{cut(strings.TrimSpace(rec[1]), 32), cut(strings.TrimSpace(rec[2]), 32), lat, lon}
		if len(n.places) > maxNetworks {
			return nil, fmt.Errorf("scan: places: more than %d networks", maxNetworks)
		}
	}
	for p := range n.places {
		f := family(p.Addr())
		if !slices.Contains(n.lengths[f], p.Bits()) {
			n.lengths[f] = append(n.lengths[f], p.Bits())
		}
	}
	for f := range n.lengths {
		slices.SortFunc(n.lengths[f], func(a, b int) int { return b - a })
	}
	return n, nil
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

func degrees(s string, limit float64) (int32, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(math.Abs(f) <= limit) {
		return 0, fmt.Errorf("out of range")
	}
	return int32(math.Round(f * 1e4)), nil
}

// Place looks an address up: at most one map read per prefix length.
func (n *Networks) Place(ip string) Place {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return Place{}
	}
	a = a.Unmap().WithZone("")
	for _, bits := range n.lengths[family(a)] {
		p, err := a.Prefix(bits)
		if err != nil {
			continue
		}
		if where, ok := n.places[p]; ok {
			return where
		}
	}
	return Place{}
}

// distance is the great-circle distance in whole kilometres; ok is false when a
// place has no coordinates.
func distance(a, b Place) (km int64, ok bool) {
	if a.LatE4 == 0 && a.LonE4 == 0 || b.LatE4 == 0 && b.LonE4 == 0 {
		return 0, false
	}
	const rad = math.Pi / 180 / 1e4
	lat1, lat2 := float64(a.LatE4)*rad, float64(b.LatE4)*rad
	dLat, dLon := lat2-lat1, float64(b.LonE4-a.LonE4)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(lat1)*math.Cos(lat2)*math.Pow(math.Sin(dLon/2), 2)
	return int64(2 * 6371 * math.Asin(math.Min(1, math.Sqrt(h)))), true
}
