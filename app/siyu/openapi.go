package main

import (
	"context"
	"fmt"
	"io"

	"siyu/config"
	"siyu/handler/admin"
)

const openapiUsage = `usage:
  siyu openapi admin   the back office's API as OpenAPI 3.1, made from its route table; needs no database

Partners read theirs from a running server: /open/v1/openapi.json`

func openapiMain(_ context.Context, _ config.Config, args []string, out io.Writer) error {
	if len(args) != 1 || args[0] != "admin" {
		return fmt.Errorf("which document?\n%s", openapiUsage)
	}
	text, err := admin.Document()
	if err != nil {
		return err
	}
	_, err = out.Write(append(text, '\n'))
	return err
}
