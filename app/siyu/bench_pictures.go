package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	qrcode "github.com/skip2/go-qrcode"

	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/code/picture"
	"siyu/model/code/token"
	"siyu/model/export"
)

// drawnFile is what one kind of picture took.
type drawnFile struct {
	name         string
	count, bytes int64
	seconds      float64
	checked      int // read back
}

func (d drawnFile) perSecond() float64 { return float64(d.count) / d.seconds }

// pictureSide is a PNG of ours in pixels: 25 modules and the quiet zone, 8 pixels each.
const pictureSide = (25 + 2*picture.QuietModules) * 8

// benchPictures draws the first codes of a batch as SVG, PNG and PDF, and as PNG by
// skip2/go-qrcode, each into an encrypted file; skip2 draws a fifth of them, being slow.
func benchPictures(ctx context.Context, exports *export.Store, batch code.Batch, path string, count int64) ([]drawnFile, error) {
	var list []drawnFile
	for _, kind := range []string{export.SVG, export.PNG, export.PDF} {
		w, err := exports.Work(ctx, export.Request{BatchID: batch.ID, From: 1, Until: count + 1, Kind: kind})
		if err != nil {
			return nil, err
		}
		d := drawnFile{name: kind, count: count}
		err = d.into(path, func(a export.Archive) (err error) {
			d.checked, err = w.Write(ctx, exports.Codes, a, nil)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
		list = append(list, d)
	}
	d := drawnFile{name: "png by skip2/go-qrcode", count: (count + 4) / 5}
	err := d.into(path, func(a export.Archive) error { return skip2Pictures(ctx, exports, batch, d.count, a) })
	return append(list, d), err
}

// into times the filling of an encrypted file, which is removed.
func (d *drawnFile) into(path string, fill func(a export.Archive) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	begun := clock.Wall()
	archive, err := picture.NewZip(f, export.NewPassword())
	if err != nil {
		return err
	}
	if err := errors.Join(fill(archive), archive.Close(), f.Sync()); err != nil {
		return err
	}
	d.seconds = clock.Wall().Sub(begun).Seconds()
	d.bytes, err = f.Seek(0, io.SeekEnd)
	return err
}

// skip2Pictures does what the export of PNGs does, with skip2 drawing.
func skip2Pictures(ctx context.Context, exports *export.Store, batch code.Batch, count int64, a export.Archive) error {
	out, err := a.CreateStored("skip2.zip")
	if err != nil {
		return err
	}
	folder := zip.NewWriter(out)
	err = exports.Codes.EachToken(ctx, batch.ID, 1, count+1, func(serial int64, text []byte) error {
		png, err := qrcode.Encode(token.Short("q.brand.cn", token.Token(text), true), qrcode.Medium, pictureSide)
		if err != nil {
			return err
		}
		w, err := folder.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("%09d.png", serial), Method: zip.Store})
		if err != nil {
			return err
		}
		_, err = w.Write(png)
		return err
	})
	return errors.Join(err, folder.Close())
}
