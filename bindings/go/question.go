package svckit

/*
#include <svckit.h>
*/
import "C"

import "encoding/json"

// Ask answers a question that needs nothing but its input and is not asked often: what an API server fills into a new
// Service, which endpoints a node may use, what a selector says. The header names the questions and their forms under
// svckit_question_answer. The error is [NotFound] when there is no such question, and [InvalidArgument] when its input
// can't be read.
func Ask(question string, input, answer any) error {
	written, err := json.Marshal(input)
	if err != nil {
		return err
	}
	name, nameLen := lend(question)
	text, textLen := lendBytes(written)
	told, err := grown(1024, func(buf *C.uint8_t, capacity C.size_t, n *C.size_t) C.svckit_status {
		return C.svckit_question_answer(name, nameLen, text, textLen, buf, capacity, n)
	})
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(textOf(told)), answer)
}
