package driftjob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
)

// Ends of the names of files that KServe's logger writes.
const (
	requestEnd = "-request.json"
	answerEnd  = "-response.json"
)

// reading reads a folder of captures. Requests and answers that are alone in files of
// their own, which is KServe's default, are found by their names, one pair after the
// other; all else is joined by time.
type reading struct {
	endpoint     string // whose captures count
	root         string // the folder, whose own name says nothing
	since, until time.Time
	take         func(checks.Captured)

	rows     int64       // requests with an answer
	loose    []looseFile // files of batches, and such whose other half is not there
	damaged  int64       // records that could not be read
	later    int64       // files from after the window
	foreign  int64       // captures in another format
	missed   int64       // requests and answers that were too far apart to be joined
	isAbsent bool        // there is no folder
}

// looseFile is a file whose records are joined by time.
type looseFile struct {
	dir, name string
	at        time.Time
}

// read calls take for each request of the window that has an answer.
func (r *reading) read(ctx context.Context, dir string) error {
	r.root = dir
	_, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		r.isAbsent = true
		return nil
	}
	if err == nil {
		err = r.folder(ctx, dir)
	}
	if err == nil {
		err = r.join(ctx)
	}
	if err != nil {
		return fmt.Errorf("read the captures: %w", err)
	}
	return nil
}

// folder reads a folder and all below it. It is not listed at once: there may be
// millions of files.
func (r *reading) folder(ctx context.Context, dir string) (err error) {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	for {
		const some = 1000
		entries, err := d.ReadDir(some)
		for _, e := range entries {
			if err := errors.Join(ctx.Err(), r.entry(ctx, dir, e)); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

func (r *reading) entry(ctx context.Context, dir string, e fs.DirEntry) error {
	name := e.Name()
	switch {
	case e.IsDir() && dir != r.root && filepath.Base(dir) == "captures" && name != r.endpoint:
		return nil // another endpoint's
	case e.IsDir():
		return r.folder(ctx, filepath.Join(dir, name))
	case strings.HasSuffix(name, requestEnd), strings.HasSuffix(name, answerEnd):
	default:
		if isOtherFormat(name) {
			r.foreign++
		}
		return nil
	}
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // retention was faster
	}
	if err != nil {
		return err
	}
	return r.file(dir, name, info.ModTime())
}

// isOtherFormat tells captures in the other formats that KServe has.
func isOtherFormat(name string) bool {
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	return strings.HasSuffix(stem, "-request") || strings.HasSuffix(stem, "-response")
}

// file reads one file by name, or leaves it for the join. A request has its answer's
// file read too, and an answer that has the request's is left to it.
func (r *reading) file(dir, name string, at time.Time) error {
	id, isRequest := strings.CutSuffix(name, requestEnd)
	switch {
	case at.Before(r.since):
		return nil
	case isRequest && !at.Before(r.until):
		r.later++
		return nil
	case isRequest:
		return r.pair(dir, id, at)
	}
	answer, there, err := openLog(filepath.Join(dir, name))
	if err != nil || !there {
		return err
	}
	isAlone := answer.isBatch
	if !isAlone {
		_, err = os.Stat(filepath.Join(dir, strings.TrimSuffix(name, answerEnd)+requestEnd))
		isAlone = errors.Is(err, fs.ErrNotExist)
	}
	if isAlone {
		r.loose = append(r.loose, looseFile{dir, name, at})
	}
	return answer.close()
}

// pair reads a request and its answer, if each is alone in its file.
func (r *reading) pair(dir, id string, at time.Time) (err error) {
	request, there, err := openLog(filepath.Join(dir, id+requestEnd))
	if err != nil || !there {
		return err
	}
	defer func() { err = errors.Join(err, request.close()) }()
	answer, isAnswered, err := openLog(filepath.Join(dir, id+answerEnd))
	if err != nil {
		return err
	}
	if isAnswered {
		defer func() { err = errors.Join(err, answer.close()) }()
	}
	if isAnswered && !request.isBatch && !answer.isBatch {
		return r.couple(request, answer, at)
	}
	r.loose = append(r.loose, looseFile{dir, id + requestEnd, at})
	if isAnswered && !answer.isBatch { // which is left to the request
		r.loose = append(r.loose, looseFile{dir, id + answerEnd, at})
	}
	return nil
}

// couple takes the only record of each of two files.
func (r *reading) couple(request, answer *logFile, at time.Time) error {
	asked, ok, err := request.next()
	if err != nil {
		return err
	}
	answered, okToo, err := answer.next()
	if err != nil {
		return err
	}
	if !ok || !okToo || !asked.isRequest() || !answered.isAnswer() {
		r.damaged++
		return nil
	}
	r.row(asked, answered, at)
	return nil
}

// row takes a request and its answer, unless it is a copy that a rollout made of another.
// KServe logs no other answers than good ones.
func (r *reading) row(asked, answered record, at time.Time) {
	if asked.isCopy() {
		return
	}
	c := checks.Captured{Time: at, RequestID: asked.ID, Status: http.StatusOK}
	c.Request, c.RequestEncoding = asked.text()
	c.Response, _ = answered.text()
	r.rows++
	r.take(c)
}

// join reads the loose files, oldest first.
func (r *reading) join(ctx context.Context) error {
	slices.SortFunc(r.loose, func(a, b looseFile) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name), cmp.Compare(a.dir, b.dir))
	})
	j := newJoin(r.row)
	for _, f := range r.loose {
		if err := errors.Join(ctx.Err(), r.looseRecords(f, j)); err != nil {
			return err
		}
	}
	r.missed = j.missed
	return nil
}

func (r *reading) looseRecords(f looseFile, j *join) (err error) {
	file, there, err := openLog(filepath.Join(f.dir, f.name))
	if err != nil || !there {
		return err
	}
	defer func() { err = errors.Join(err, file.close()) }()
	for {
		one, ok, err := file.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case !ok:
			r.damaged++
		case one.isCopy(): // its id may be that of the request that it is a copy of
		default:
			j.add(one, f.at)
		}
	}
}

// notes is what a report has to say of the captures.
func (r *reading) notes() (out []string) {
	say := func(n int64, format string) {
		if n > 0 {
			out = append(out, fmt.Sprintf(format, n))
		}
	}
	say(r.damaged, "%d records could not be read and were passed over")
	say(r.foreign, "%d captures are not in KServe's format json, and were passed over")
	say(r.missed, "%d requests and answers were too far apart to be joined")
	if r.later > r.rows { // there always are some, of while the job began
		say(r.later, "%d captured files are newer than the window's end, and do not count; were they fetched without their times?")
	}
	if r.isAbsent {
		out = append(out, "there is no folder of captures")
	}
	return out
}
