package svckit

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cFace is a C program that answers a question a line, built with the header and the library that this module is built
// with.
type cFace struct {
	t     *testing.T
	ask0  *json.Encoder
	told0 *bufio.Reader
}

func newCFace(t *testing.T) *cFace {
	t.Helper()
	program := filepath.Join(t.TempDir(), "ask")
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "svckit").Output()
	if err != nil {
		t.Fatal("pkg-config: ", err)
	}
	sources := filepath.Join("..", "c", "conform", "ask.c")
	words := append([]string{"-std=c99", "-g", "-Wall", "-Wextra", "-Werror", sources, "-o", program}, strings.Fields(string(flags))...)
	if told, err := exec.Command("cc", words...).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, told)
	}
	command := exec.Command(program)
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	command.Stderr = &complaints
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("the C program: %v\n%s", err, complaints.String())
		}
	})
	encoder := json.NewEncoder(stdin)
	encoder.SetEscapeHTML(false)
	return &cFace{t, encoder, bufio.NewReaderSize(stdout, 1<<16)}
}

func (c *cFace) ask(q asked) told {
	c.t.Helper()
	if err := c.ask0.Encode(q); err != nil {
		c.t.Fatal(err)
	}
	line, err := c.told0.ReadBytes('\n')
	if err != nil {
		c.t.Fatalf("no answer to %s: %v", written(q), err)
	}
	var answer told
	if err := json.Unmarshal(line, &answer); err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	return answer
}
