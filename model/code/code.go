// Package code knows every code (码) of every brand without a row per code: which
// batch (码批次) it belongs to, and what state its serial is in.
//
// It owns the tables code_key, batch and code_range, and on top of package token it
// turns (batch, serial) into a token and back. A batch takes a contiguous run of
// positions under the newest key of its brand; serials run from 1 to Count. What is
// declared of serials (activated 激活, revoked 撤销激活, recalled 召回, voided 作废) are
// rows of code_range, few per batch, now or at a time.
//
// The state of a serial at a moment follows from the declarations that cover it and
// have taken effect:
//
//  1. any of them voids it: voided. For ever; nothing lifts it.
//  2. it is recalled and that recall is not lifted: recalled. Only an activation
//     that was declared after the recall and takes effect no earlier lifts it.
//  3. any activates it that no revocation declared later covers: activated.
//  4. otherwise: issued.
//
// So a stop always beats an activation, whichever came first, and undoing a recall
// takes somebody who decides it anew. A revocation also ends activations planned for
// later.
//
// Promises: Check never touches the database (forged tokens cost arithmetic only);
// no two batches ever share a token; declarations are only added, never changed;
// every process sees a change at its next Refresh.
package code

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// States of a code. Claimed is not one of them: it is a fact in package claim.
const (
	Issued    = "issued"    // printed, not yet for sale
	Activated = "activated" // for sale: may be scanned and claimed
	Recalled  = "recalled"  // 召回: do not use the item
	Voided    = "voided"    // 作废: the code is worth nothing any more
)

// Revoked is declared like a state and is none: the serials are issued again, as if
// nobody had activated them yet.
const Revoked = "revoked"

// Limits.
const (
	MaxCount  = 100_000_000 // codes of one batch
	MaxRanges = 1000        // declarations of one batch
	maxName   = 100         // characters
	maxReason = 200         // characters
)

// Batch is a run of codes made together for one product.
type Batch struct {
	ID           id.ID         `json:"id"`
	BrandID      id.ID         `json:"brand_id"`
	ProductID    id.ID         `json:"product_id"`
	Slot         int           `json:"slot"` // key slot, the first two symbols of its tokens
	FromPosition int64         `json:"from_position"`
	Count        int64         `json:"count"`
	Name         string        `json:"name"`
	CreatedAt    clock.Instant `json:"created_at"`
	MadeBy       id.ID         `json:"-"` // operator who made it without an application; 0: nobody did
}

// TableName names the table for GORM.
func (Batch) TableName() string { return "batch" }

// Range declares a state of the serials [From, Until) of a batch, from EffectiveAt on.
type Range struct {
	ID          id.ID         `json:"id"`
	BatchID     id.ID         `json:"batch_id"`
	Seq         int64         `json:"seq"` // order of declaration within the batch, from 1
	From        int64         `json:"from_serial" gorm:"column:from_serial"`
	Until       int64         `json:"until_serial" gorm:"column:until_serial"` // exclusive
	State       string        `json:"state"`                                   // Activated, Revoked, Recalled or Voided
	EffectiveAt clock.Instant `json:"effective_at"`                            // 0 on input: now
	Reason      string        `json:"reason"`                                  // zh-CN; needed for all but an activation, and to lift a recall
	ByID        id.ID         `json:"by_id"`                                   // operator; 0: a program
	CreatedAt   clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Range) TableName() string { return "code_range" }

// Code is what is known of one genuine code.
type Code struct {
	Token       string        `json:"-"` // as good as the item itself: never logged, never listed
	BrandID     id.ID         `json:"brand_id"`
	ProductID   id.ID         `json:"product_id"`
	BatchID     id.ID         `json:"batch_id"`
	Serial      int64         `json:"serial"`
	GTIN        string        `json:"gtin"` // 14 digits
	State       string        `json:"state"`
	StateReason string        `json:"state_reason"`
	StateSince  clock.Instant `json:"state_since"`
}

// Key is one version of a brand's key, without its secret.
type Key struct {
	Slot         int           `json:"slot"`
	BrandID      id.ID         `json:"brand_id"`
	Version      int           `json:"version"` // 1, 2, ... within the brand
	NextPosition int64         `json:"next_position"`
	CreatedAt    clock.Instant `json:"created_at"`
	RetiredAt    clock.Instant `json:"retired_at"` // takes no new batches; its tokens stay good
}

// oneLine checks a text of one line for people. Fault: Invalid with the given code.
func oneLine(code, what, s string, limit int) error {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > limit || strings.ContainsFunc(s, unicode.IsControl) {
		return fault.Invalidf(code, "%s最多 %d 个字，不能换行或含控制字符", what, limit)
	}
	return nil
}

func batchUnknown() error { return fault.New(fault.NotFound, "batch_unknown", "没有这个码批次") }
