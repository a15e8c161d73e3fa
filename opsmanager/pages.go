package opsmanager

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"

	"github.com/migrationlink/migrationlink/internal/adminapi"
)

const (
	// itemsPerPage is the API's limit.
	itemsPerPage = 500
	// MaxPages stops a server whose list never ends.
	MaxPages = 100
	// maxPageBody limits a page, in bytes: a project or a host has up to a few KiB.
	maxPageBody = 8 << 20
)

// list is a list that the API serves in pages.
type list[T any] struct {
	noun, one string // "projects", "a project"
	call      func(page url.Values) *adminapi.Call
	id        func(T) string // "" for an element that is not one
	maxBytes  int            // of all pages together
}

// page is one page of a list.
type page[T any] struct {
	Results    elements[T] `json:"results"`
	TotalCount int         `json:"totalCount"`

	size int // in bytes
	// unreadable returns the error for a page with this fault.
	unreadable func(why string) error
}

type elements[T any] []T

// UnmarshalJSON rejects more elements than were requested.
func (e *elements[T]) UnmarshalJSON(data []byte) (err error) {
	*e, err = adminapi.List[T](data, itemsPerPage)
	return err
}

// pageQuery asks for one page, from 1.
func pageQuery(number int) url.Values {
	return url.Values{"itemsPerPage": {strconv.Itoa(itemsPerPage)}, "pageNum": {strconv.Itoa(number)}}
}

// read reads one page.
func (l list[T]) read(ctx context.Context, c *Client, number int) (found page[T], _ error) {
	call := l.call(pageQuery(number))
	call.MaxBody = maxPageBody
	r, err := c.api.Do(ctx, call)
	if err != nil {
		return found, err
	}
	found.size, found.unreadable = len(r.Body), func(why string) error { return c.api.Unreadable(call, r, why) }
	if err := c.api.Decode(call, r, &found); err != nil {
		return found, err
	}
	if found.Results == nil {
		return found, found.unreadable("it holds no " + l.noun)
	}
	for _, element := range found.Results {
		if l.id(element) == "" {
			return found, found.unreadable("it holds " + l.one + " without an id")
		}
	}
	return found, nil
}

// pages yields page after page, without the elements of earlier pages. It keeps only the ids of
// those. An empty page, or the same one again, ends the list.
func (l list[T]) pages(ctx context.Context, c *Client) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		done, err := c.api.Listing(ctx, l.call(nil))
		if err != nil {
			yield(nil, err)
			return
		}
		defer done()
		known, size := map[string]bool{}, 0
		for number := 1; ; number++ {
			found, err := l.read(ctx, c, number)
			if size += found.size; err == nil && size > l.maxBytes {
				err = found.unreadable(fmt.Sprintf("all pages together are larger than %d bytes", l.maxBytes))
			}
			if err != nil {
				yield(nil, err)
				return
			}
			fresh := l.fresh(found.Results, known)
			if len(fresh) > 0 && !yield(fresh, nil) || len(fresh) == 0 || found.TotalCount > 0 && len(known) >= found.TotalCount {
				return
			}
			if number == MaxPages {
				yield(nil, found.unreadable(fmt.Sprintf("it continues after %d pages", number)))
				return
			}
		}
	}
}

// fresh returns the elements that are not known yet, and adds them to known.
func (l list[T]) fresh(elements []T, known map[string]bool) (fresh []T) {
	for _, element := range elements {
		if id := l.id(element); !known[id] {
			known[id] = true
			fresh = append(fresh, element)
		}
	}
	return fresh
}
