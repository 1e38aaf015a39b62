package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"siyu/model/clock"
)

// wire stands before WeChat and counts, bill by bill, what was asked for, whether it was
// answered or not. WeChat's rule: a number is sent again only after its outcome was
// asked for. The simulator forgives a repetition; the rule does not.
type wire struct {
	next http.Handler

	mu     sync.Mutex
	sends  map[string]int
	asks   map[string]int
	unsaid []string // sent again without asking
	late   int      // calls whose caller's time was up before the answer came
	asked  []asked  // tasks that the staff were given
	oldest func() clock.Instant
}

// asked is a call that gives the staff a task, and since when the oldest of siyu's workers
// ran that may have made it.
type asked struct {
	text  string
	since clock.Instant
}

func newWire(next http.Handler) *wire {
	return &wire{next: next, sends: map[string]int{}, asks: map[string]int{}}
}

var numberIn = regexp.MustCompile(`(?:"out_bill_no"\s*:\s*"|<mch_billno>(?:<!\[CDATA\[)?)([0-9A-Za-z_-]+)`)

const (
	transferPath = "/v3/fund-app/mch-transfer/transfer-bills"
	askTransfer  = transferPath + "/out-bill-no/"
	sendRedpack  = "/mmpaymkttransfers/sendredpack"
	askRedpack   = "/mmpaymkttransfers/gethbinfo"
	askStaff     = "/cgi-bin/externalcontact/add_msg_template"
)

// ServeHTTP implements http.Handler.
func (w *wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, transferPath), strings.HasSuffix(path, sendRedpack):
		w.note(numberOf(r), true)
	case strings.HasSuffix(path, askStaff):
		w.noteTask(r)
	case strings.HasSuffix(path, askRedpack):
		w.note(numberOf(r), false)
	case strings.Contains(path, askTransfer) && r.Method == http.MethodGet:
		w.note(path[strings.LastIndexByte(path, '/')+1:], false)
	}
	began := clock.System().Now()
	w.next.ServeHTTP(rw, r)
	// A caller that was killed leaves at once; one whose time is up waited for it.
	if r.Context().Err() != nil && clock.System().Now().Sub(began) > time.Second {
		w.mu.Lock()
		w.late++
		w.mu.Unlock()
	}
}

func numberOf(r *http.Request) string {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	m := numberIn.FindSubmatch(body)
	if err != nil || m == nil {
		return "" // cut off: the simulator will say so
	}
	return string(m[1])
}

func (w *wire) note(number string, send bool) {
	if number == "" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !send {
		w.asks[number]++
		return
	}
	w.sends[number]++
	if w.sends[number] > 1+w.asks[number] {
		w.unsaid = append(w.unsaid, fmt.Sprintf("%s 发送 %d 次，只查询过 %d 次", number, w.sends[number], w.asks[number]))
	}
}

// noteTask keeps what the staff are asked to send.
func (w *wire) noteTask(r *http.Request) {
	var in struct {
		Text struct {
			Content string `json:"content"`
		} `json:"text"`
	}
	since := clock.Instant(0)
	if w.oldest != nil {
		since = w.oldest()
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil || json.Unmarshal(body, &in) != nil {
		return // cut off: the simulator will say so
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, asked{in.Text.Content, since})
}

// tasks are the calls that gave the staff a task, in their order.
func (w *wire) tasks() []asked {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

func (w *wire) unasked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unsaid
}

func (w *wire) tooLate() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.late
}
