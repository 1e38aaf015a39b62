package phone

import (
	"context"

	"gorm.io/gorm"
)

// Put is PutTx in a transaction of its own.
func (b *Book) Put(ctx context.Context, n Number) (hash string, err error) {
	err = b.db.InTx(ctx, func(tx *gorm.DB) error {
		hash, err = b.PutTx(ctx, tx, n)
		return err
	})
	return hash, err
}
