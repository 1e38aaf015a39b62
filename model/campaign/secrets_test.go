package campaign

import (
	"encoding/json"
	"os"
	"testing"
)

// What is missing is named as the form names it in which it is filled in.
func TestSecretsAreNamedAsTheirFields(t *testing.T) {
	body, err := os.ReadFile("../../app/admin/src/areas/settings/zh-CN.json")
	if err != nil {
		t.Fatal(err)
	}
	var words struct {
		Accounts struct {
			Secrets map[string]string `json:"secrets"`
		} `json:"accounts"`
	}
	if err := json.Unmarshal(body, &words); err != nil {
		t.Fatal(err)
	}
	for rail, names := range railSecrets {
		for _, name := range names {
			if label := words.Accounts.Secrets[name]; label == "" || secretNames[name] != label {
				t.Errorf("%s %s: said %q, the form says %q", rail, name, secretNames[name], label)
			}
		}
	}
}
