// Verifies a log of Countersign with golang.org/x/mod/sumdb/note and tlog, which know nothing of Countersign: the checkpoint's
// signature, that an older tree is continued, and that every entry is in the tree, all by tiles over HTTP.
//
//	go run verify_tiles.go <prefix> <verifier key> <size of an older tree> <its root, base64>
//
// The API key is taken from COUNTERSIGN_KEY.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fetch(url string) ([]byte, error) {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("COUNTERSIGN_KEY"))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// tiles reads tiles of height 8 by their C2SP paths: tile/<L>/<N>[.p/<W>]. Those of sumdb also name the height.
type tiles struct{ prefix string }

func (tiles) Height() int { return 8 }

func (reader tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		bytes, err := fetch(reader.prefix + "/" + strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		all = append(all, bytes)
	}
	return all, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func entriesPath(index int64, width int64) string {
	tile := tlog.Tile{H: 8, L: 0, N: index, W: int(width)}
	return strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
}

func verify(prefix, key string, oldSize int64, oldRoot tlog.Hash) error {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	signed, err := fetch(prefix + "/checkpoint")
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return err
	}
	tree := tlog.Tree{N: size, Hash: root}
	// Checks every tile that it reads against the root.
	reader := tlog.TileHashReader(tree, tiles{prefix})
	continues, err := tlog.ProveTree(size, oldSize, reader)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(continues, size, root, oldSize, oldRoot); err != nil {
		return err
	}
	for from := int64(0); from < size; from += 256 {
		width := size - from
		if width > 256 {
			width = 256
		}
		bundle, err := fetch(prefix + "/" + entriesPath(from/256, width))
		if err != nil {
			return err
		}
		for index := from; index < from+width; index++ {
			length := int(binary.BigEndian.Uint16(bundle))
			leaf := tlog.RecordHash(bundle[2 : 2+length])
			bundle = bundle[2+length:]
			proof, err := tlog.ProveRecord(size, index, reader)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, size, root, index, leaf); err != nil {
				return fmt.Errorf("index %d: %v", index, err)
			}
		}
		if len(bundle) != 0 {
			return fmt.Errorf("index %d: %d bytes left in its bundle", from, len(bundle))
		}
	}
	fmt.Printf("verified %d entries of %s\n", size, lines[0])
	return nil
}

func main() {
	oldSize, err := strconv.ParseInt(os.Args[3], 10, 64)
	if err == nil {
		var bytes []byte
		if bytes, err = base64.StdEncoding.DecodeString(os.Args[4]); err == nil {
			var oldRoot tlog.Hash
			copy(oldRoot[:], bytes)
			err = verify(os.Args[1], os.Args[2], oldSize, oldRoot)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
