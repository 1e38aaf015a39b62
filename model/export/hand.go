package export

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// TakePassword shows the password of a finished export and erases it, so the file and
// its password can travel different ways and nobody finds both here: who downloaded a part
// does not get it.
// Faults: NotFound export_unknown; Conflict export_not_ready, password_shown; Forbidden
// same_hand.
func (s *Store) TakePassword(ctx context.Context, exportID id.ID, by Hand) (string, error) {
	r, err := s.get(ctx, exportID)
	if err != nil {
		return "", err
	}
	shown := fault.New(fault.Conflict, "password_shown", "密码只显示一次，已被查看；如已遗失请重新导出")
	switch {
	case r.State != Ready: // a running export still needs it
		return "", fault.New(fault.Conflict, "export_not_ready", "文件尚未就绪或已过期")
	case r.PasswordTaken != 0:
		return "", shown.With("at", r.PasswordTaken)
	}
	plain, err := s.Box.Open(passwordPlace(exportID), r.Password)
	if err != nil {
		return "", fmt.Errorf("export: password of %d: %w", exportID, err)
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		// The row is locked from here, as in Open: the two cannot overtake each other.
		u := tx.Model(&row{}).Where("id = ? AND state = ? AND password_taken_at = 0", exportID, Ready).
			Updates(map[string]any{"password": []byte{}, "password_taken_at": s.DB.Now(), "password_taken_by": by.ID})
		if u.Error == nil && u.RowsAffected != 1 {
			return shown
		}
		if u.Error != nil || by.ID == 0 {
			return u.Error
		}
		var had int64
		if err := tx.Model(&Taking{}).Where("export_id = ? AND operator_id = ?", exportID, by.ID).Count(&had).Error; err != nil {
			return err
		}
		if had > 0 {
			return fault.New(fault.Forbidden, "same_hand", "您已下载过这份码包，密码须由另一位同事查看并转交")
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return string(plain), nil
}

// Download is a file being handed over. The caller closes it.
type Download struct {
	Part
	Content *os.File
	Left    int // how many more times it can be had
}

// Open hands over a part (from 1), counts that and notes who took it; who took the password
// does not get it.
// Faults: NotFound export_unknown, part_unknown; Conflict export_not_ready; Exhausted
// downloads_used; Forbidden same_hand.
func (s *Store) Open(ctx context.Context, exportID id.ID, part int, by Hand) (Download, error) {
	e, err := s.Get(ctx, exportID)
	if err != nil {
		return Download{}, err
	}
	if e.State != Ready || e.ExpiresAt <= s.DB.Now() {
		return Download{}, fault.New(fault.Conflict, "export_not_ready", "文件尚未就绪或已过期")
	}
	if part < 1 || part > len(e.Parts) {
		return Download{}, fault.New(fault.NotFound, "part_unknown", "没有这个分卷")
	}
	p := e.Parts[part-1]
	if err := e.MayDownload(by.ID); err != nil {
		return Download{}, err
	}
	// Open first: a file that is not there must not cost a download.
	f, err := os.Open(filepath.Join(s.dir(exportID), p.File))
	if err != nil {
		return Download{}, fmt.Errorf("export: open part: %w", err)
	}
	err = s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE export SET beat = beat + 1 WHERE id = ? AND (password_taken_by <> ? OR password_taken_by = 0)", exportID, by.ID)
		if r.Error == nil && r.RowsAffected != 1 {
			return sameHand()
		}
		if r.Error != nil {
			return r.Error
		}
		u := tx.Exec("UPDATE export_part SET downloads = downloads + 1 WHERE export_id = ? AND part = ? AND downloads < ?", exportID, p.Part, e.MaxDownloads)
		if u.Error == nil && u.RowsAffected != 1 {
			return fault.New(fault.Exhausted, "downloads_used", fmt.Sprintf("每个文件最多下载 %d 次，次数已用完", e.MaxDownloads)).With("max", e.MaxDownloads)
		}
		if u.Error != nil {
			return u.Error
		}
		return tx.Create(&Taking{ID: s.DB.NewID(), ExportID: exportID, Part: p.Part, OperatorID: by.ID, Login: by.Login, IP: by.IP, CreatedAt: s.DB.Now()}).Error
	})
	if err != nil {
		return Download{}, errors.Join(err, f.Close())
	}
	p.Downloads++
	return Download{Part: p, Content: f, Left: max(0, e.MaxDownloads-p.Downloads)}, nil
}

// MayDownload refuses who took the password. Fault: Forbidden same_hand.
func (e Export) MayDownload(operatorID id.ID) error {
	if operatorID != 0 && e.PasswordBy == operatorID {
		return sameHand()
	}
	return nil
}

func sameHand() error {
	return fault.New(fault.Forbidden, "same_hand", "您已查看过这份码包的密码，码包须由另一位同事下载")
}

// Takings lists who downloaded parts of an export, newest first.
func (s *Store) Takings(ctx context.Context, exportID id.ID) ([]Taking, error) {
	list := []Taking{}
	if err := s.DB.Read(ctx).Where("export_id = ?", exportID).Order("created_at DESC, id DESC").Limit(1000).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("export: downloads: %w", err)
	}
	return list, nil
}

// Lingering lists a brand's exports of print files that are ready since before a moment and
// have a part that nobody downloaded, oldest first.
func (s *Store) Lingering(ctx context.Context, brandID id.ID, before clock.Instant) ([]Export, error) {
	var rows []row
	err := s.DB.Read(ctx).Where("brand_id = ? AND state = ? AND finished_at <= ?", brandID, Ready, before).
		Where("EXISTS (SELECT 1 FROM export_part p WHERE p.export_id = export.id AND p.downloads = 0)").Order("finished_at, id").Limit(db.MaxPage).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("export: lingering: %w", err)
	}
	list := make([]Export, len(rows))
	for i := range rows {
		list[i] = rows[i].show(s.DB.Now())
	}
	return list, nil
}
