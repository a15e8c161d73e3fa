// There is no Go here. npm packages bring Go files with them, and this keeps
// `go test ./...` at the root of the repository out of node_modules.
module github.com/migrationlink/migrationlink/examples/typescript

go 1.26.0
