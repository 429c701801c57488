package svckit

/*
#include <svckit.h>
*/
import "C"

// Status says why a call failed. Compare with errors.Is(err, svckit.Taken).
type Status int32

// The statuses; a number never changes its meaning.
const (
	Closed          Status = C.SVCKIT_STATUS_NULL_POINTER     // the value was closed before
	InvalidArgument Status = C.SVCKIT_STATUS_INVALID_ARGUMENT // an input does not parse
	Taken           Status = C.SVCKIT_STATUS_TAKEN            // somebody else holds it
	Exhausted       Status = C.SVCKIT_STATUS_EXHAUSTED        // nothing is left
	OutOfRange      Status = C.SVCKIT_STATUS_OUT_OF_RANGE     // it is in no range
	TooLarge        Status = C.SVCKIT_STATUS_TOO_LARGE        // the range has too many addresses
	Exists          Status = C.SVCKIT_STATUS_EXISTS           // it is there already
	NotFound        Status = C.SVCKIT_STATUS_NOT_FOUND        // there is no such thing
	InUse           Status = C.SVCKIT_STATUS_IN_USE           // it is still in use
	BufferTooSmall  Status = C.SVCKIT_STATUS_BUFFER_TOO_SMALL // the buffer is too small
	Refused         Status = C.SVCKIT_STATUS_REFUSED          // some objects were refused, see the findings
	Other           Status = C.SVCKIT_STATUS_OTHER            // refused for another reason
	Panic           Status = C.SVCKIT_STATUS_PANIC            // a bug in svckit; the value can only be closed
	Poisoned        Status = C.SVCKIT_STATUS_POISONED         // an earlier call ended in Panic
)

// Error says what the status means.
func (s Status) Error() string {
	if s == Closed {
		return "svckit: closed"
	}
	return "svckit: " + C.GoString(C.svckit_status_text(C.int32_t(s)))
}

// check makes an error of what is one.
func check(status C.svckit_status) error {
	if status == C.SVCKIT_STATUS_OK {
		return nil
	}
	return Status(status)
}
