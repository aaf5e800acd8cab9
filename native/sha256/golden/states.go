// Golden states of Go's crypto/sha256.
//
//	go run states.go write              prints states.csv: the states that Go writes
//	go run states.go check states.csv   resumes every state of a file in Go and compares
//
// A row is: the length of a message, the state after it, its digest, and the digest after 77 more bytes.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"strconv"
)

const suffixBytes = 77

// message is the bytes that the Rust and TypeScript tests make by the same rule.
func message(length int) []byte {
	bytes := make([]byte, length)
	for index := range bytes {
		bytes[index] = byte(index*167 + (index>>8)*13 + 5)
	}
	return bytes
}

func row(length int) []string {
	whole := message(length + suffixBytes)
	digest := sha256.New()
	digest.Write(whole[:length])
	state, err := digest.(encoding.BinaryMarshaler).MarshalBinary()
	exitOn(err)
	sum := sha256.Sum256(whole[:length])
	resumed := sha256.Sum256(whole)
	return []string{strconv.Itoa(length), hex.EncodeToString(state), hex.EncodeToString(sum[:]), hex.EncodeToString(resumed[:])}
}

func write() {
	out := csv.NewWriter(os.Stdout)
	exitOn(out.Write([]string{"length", "state", "digest", "resumed_digest"}))
	for length := 0; length <= 200; length++ {
		exitOn(out.Write(row(length)))
	}
	for _, length := range []int{255, 256, 257, 1000, 4095, 4096, 65_535, 65_536, 1_000_003} {
		exitOn(out.Write(row(length)))
	}
	out.Flush()
	exitOn(out.Error())
}

func check(path string) {
	file, err := os.Open(path)
	exitOn(err)
	rows, err := csv.NewReader(file).ReadAll()
	exitOn(err)
	for _, columns := range rows[1:] {
		length, err := strconv.Atoi(columns[0])
		exitOn(err)
		state, err := hex.DecodeString(columns[1])
		exitOn(err)
		digest := sha256.New()
		exitOn(digest.(encoding.BinaryUnmarshaler).UnmarshalBinary(state))
		again, err := digest.(encoding.BinaryMarshaler).MarshalBinary()
		exitOn(err)
		if !bytes.Equal(again, state) {
			exitOn(fmt.Errorf("length %d: Go writes another state than it read", length))
		}
		expect(length, "digest", digest, columns[2])
		digest.Write(message(length + suffixBytes)[length:])
		expect(length, "resumed digest", digest, columns[3])
	}
	fmt.Printf("%d states agree with Go\n", len(rows)-1)
}

func expect(length int, name string, digest hash.Hash, expected string) {
	if actual := hex.EncodeToString(digest.Sum(nil)); actual != expected {
		exitOn(fmt.Errorf("length %d: the %s is %s in Go, not %s", length, name, actual, expected))
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "write":
		write()
	case len(os.Args) == 3 && os.Args[1] == "check":
		check(os.Args[2])
	default:
		exitOn(fmt.Errorf("usage: states.go write | check FILE"))
	}
}
