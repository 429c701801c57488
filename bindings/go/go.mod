module github.com/svckit/svckit/bindings/go

go 1.24
