// Package rule is the language in which operators say who is meant (规则): a tree of
// conditions over facts of a person. It is pure: it reads rules, checks them, says what
// they use, and writes them as a Chinese sentence. Who fulfils a rule is found out by
// model/segment, and for single members by model/tag through it.
//
// A tree is JSON with a version; Schema is its published JSON schema. A node is exactly
// one of the fields of Node. Promises: what Parse accepted is within the limits below,
// and Parse of what Encode wrote is the same tree.
//
// Two-valued logic: a condition about something that is not known of a person is false,
// so its negation is true of him. The one exception is consent: a rule whose Uses say
// Profiling is true of nobody who did not allow that, and neither is its negation.
package rule

import (
	"siyu/model/clock"
	"siyu/model/id"
)

// Version is the version of the language that this program writes. A field that may be left
// out and changes nothing when it is does not change it: rules of before mean what they
// meant, and a program of before refuses rules with the field.
const Version = 1

// Limits of one tree. Nesting of segments counts apart: five levels, no cycle.
const (
	MaxDepth      = 6   // levels of all, any and not, the root's included
	MaxLeaves     = 60  // conditions
	MaxBehaviours = 10  // conditions that count or order acts
	MaxSegments   = 5   // segments named, and levels of segments within segments
	MaxValues     = 100 // values of one condition
	MaxProducts   = 50  // products of one condition
	MaxSteps      = 5   // of a sequence
	MaxDays       = 3650
)

// Tree is a whole rule.
type Tree struct {
	V    int  `json:"v"`
	Root Node `json:"root"`
}

// Node is one place of a tree: exactly one field is set. All of no conditions is true of
// everybody and is allowed at the root only; it is how "all people of the brand" is said.
type Node struct {
	All      []Node    `json:"all,omitzero"`
	Any      []Node    `json:"any,omitzero"`
	Not      *Node     `json:"not,omitempty"`
	Tag      *Tag      `json:"tag,omitempty"`
	Attr     *Attr     `json:"attr,omitempty"`
	Did      *Did      `json:"did,omitempty"`
	Sequence *Sequence `json:"sequence,omitempty"`
	Segment  *Ref      `json:"segment,omitempty"`
	List     *Ref      `json:"list,omitempty"`
	Random   *Random   `json:"random,omitempty"`
}

// Operators.
const (
	Has     = "has"     // of a tag: has it, with whatever value
	Lacks   = "lacks"   // of a tag
	Is      = "is"      // of a tag: its value is the one
	In      = "in"      // is one of
	Eq      = "eq"      // of a number
	Gte     = "gte"     // at least
	Lte     = "lte"     // at most
	Between = "between" // at least the first and at most the second
	Known   = "known"
	Unknown = "unknown"
)

// Tag is a condition on the value that a person has of a tag now. Gte, Lte and Between
// compare the score, the others the value.
type Tag struct {
	ID     id.ID    `json:"id"`
	Op     string   `json:"op"`
	Values []string `json:"values,omitempty"`
}

// Attr is a condition on what the house knows of a person beside tags; Attrs lists the
// names with their operators and values.
type Attr struct {
	Name   string   `json:"name"`
	Op     string   `json:"op"`
	Values []string `json:"values,omitempty"`
}

// Measures of acts.
const (
	Count    = "count"         // how often; an order and each scan once
	Quantity = "quantity"      // pieces, less those given back
	SumFen   = "sum_fen"       // of orders, less refunds
	First    = "first_days"    // business days since the first
	Last     = "last_days"     // business days since the last
	Interval = "interval_days" // mean days between days on which it was done
)

// Did is a condition on what a person did. "Not done" is Count equal to 0. Days are
// business days: within 1 day is today. From and Until bound [from, until) and exclude
// WithinDays. First, Last and Interval are false of who never did it; Count, Quantity and
// SumFen are 0 then. ExceptIDs are of an act that is about products and exclude ProductIDs:
// it is about all products of the brand but these, also those that are registered later;
// goods that are not registered are no product.
type Did struct {
	What       string        `json:"what"` // one of Acts
	ProductIDs []id.ID       `json:"product_ids,omitempty"`
	ExceptIDs  []id.ID       `json:"except_product_ids,omitempty"`
	Measure    string        `json:"measure,omitempty"` // "": count
	Op         string        `json:"op"`                // eq, gte, lte, between
	Values     []int64       `json:"values"`
	WithinDays int           `json:"within_days,omitempty"` // 0: ever
	From       clock.Instant `json:"from,omitzero"`
	Until      clock.Instant `json:"until,omitzero"`
}

// Step is one act of a sequence.
type Step struct {
	What       string  `json:"what"`
	ProductIDs []id.ID `json:"product_ids,omitempty"`
}

// Sequence says that somebody did one thing after another, other acts between them or
// not: all of it at most WithinDays times 24 hours from the first to the last, the first
// of it in the last WindowDays business days (0: ever).
type Sequence struct {
	Steps      []Step `json:"steps"`
	WithinDays int    `json:"within_days"`
	WindowDays int    `json:"window_days,omitempty"`
}

// Ref names another segment, or a list that operators keep by hand.
type Ref struct {
	ID id.ID `json:"id"`
}

// Buckets is how many parts Random divides people into.
const Buckets = 10_000

// Random takes the people whose bucket, by a hash of the salt and the person, is in
// [From, Until). Two salts are independent; the same salt is the same people for ever.
type Random struct {
	Salt  string `json:"salt"`
	From  int    `json:"from"`
	Until int    `json:"until"`
}

// Walk calls visit for each node, parents before children, until it returns false.
func (n *Node) Walk(visit func(n *Node, depth int) bool) { n.walk(visit, 1) }

func (n *Node) walk(visit func(n *Node, depth int) bool, depth int) bool {
	if !visit(n, depth) {
		return false
	}
	for _, list := range [][]Node{n.All, n.Any} {
		for i := range list {
			if !list[i].walk(visit, depth+1) {
				return false
			}
		}
	}
	return n.Not == nil || n.Not.walk(visit, depth+1)
}

// Leaf tells whether the node is a condition.
func (n *Node) Leaf() bool { return n.All == nil && n.Any == nil && n.Not == nil }

// Everybody is the rule that is true of all people of a brand.
func Everybody() Tree { return Tree{V: Version, Root: Node{All: []Node{}}} }
