package web

import (
	"net/url"
	"reflect"
	"slices"
	"strings"

	"siyu/model/fault"
)

// Description says what a route takes and gives, for the document that clients are
// generated from. The zero Description says nothing.
type Description struct {
	Query   []Parameter
	In      reflect.Type // JSON body; nil: none
	Files   []string     // parts of a multipart body; the first is the file, the rest are texts
	Out     reflect.Type // what stands under "data"; nil with Said: nothing
	Many    bool         // Out is the item of a paged list
	Counted bool         // the list can say how many there are (?total=1)
	Types   []string     // media types of an answer that is a file, beside Out where there is one
	Said    bool
}

// Parameter is one name of the query.
type Parameter struct {
	Name     string
	Required bool
	Choices  []string
}

// Asks names what the query may hold: "brand_id" is required, "q?" is not, "state?:draft|active"
// has choices. Paged lists take before and limit without being told.
func (r Route) Asks(names ...string) Route {
	for _, s := range names {
		name, choices, _ := strings.Cut(s, ":")
		p := Parameter{Name: strings.TrimSuffix(name, "?"), Required: !strings.HasSuffix(name, "?")}
		if choices != "" {
			p.Choices = strings.Split(choices, "|")
		}
		r.Doc.Query = append(r.Doc.Query, p)
	}
	return r
}

// Check refuses a query that names what is not among a parameter's choices: a misspelt
// state must not look like an empty list. Fault: Invalid bad_field.
func (d Description) Check(query url.Values) error {
	for _, p := range d.Query {
		if v := query.Get(p.Name); v != "" && p.Choices != nil && !slices.Contains(p.Choices, v) {
			return fault.Invalidf("bad_field", "参数 %s 只能是 %s", p.Name, strings.Join(p.Choices, "、")).With("field", p.Name)
		}
	}
	return nil
}

// Takes says what the JSON body is, by a zero value of its type.
func (r Route) Takes(in any) Route { r.Doc.In = reflect.TypeOf(in); return r }

// Gives says what stands under "data"; nil: null.
func (r Route) Gives(out any) Route { r.Doc.Out, r.Doc.Said = reflect.TypeOf(out), true; return r }

// Lists says what the items of a paged list are.
func (r Route) Lists(item any) Route {
	r = r.Gives(item)
	r.Doc.Many = true
	return r
}

// Counts says that a list also tells how many there are when ?total=1 asks for it.
func (r Route) Counts() Route { r.Doc.Counted = true; return r }

// File says that the answer is no JSON but a file of one of these media types; after Gives
// or Lists that it may be one.
func (r Route) File(media ...string) Route { r.Doc.Types, r.Doc.Said = media, true; return r }

// Upload says that the body is multipart: a file under the first name, texts under the rest.
func (r Route) Upload(names ...string) Route { r.Doc.Files = names; return r }
