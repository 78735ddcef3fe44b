package config_test

import (
	"strings"
	"testing"
)

func TestPeople(t *testing.T) {
	runBad(t, []badCase{
		{"ids", `
people:
  - { id: Ana Silva, access: responder }
  - { id: ben }
  - { id: ben }
  - { name: Carl }
  - { id: log }
  - { id: "äö" }
`, []string{
			`2:11: "id": "Ana Silva" can have only lowercase letters, digits, - and _, and at most 40 characters; write "ana-silva"`,
			`4:11: the person "ben" is already in line 3; rename or remove one of them`,
			`5:5: a person needs "id", such as ana`,
			`6:11: "id": "log" is reserved for the log; use another ID`,
			`7:11: "id": "äö" can have only lowercase letters, digits, - and _; write one such as "ana"`,
		}},
		{"contacts", `
people:
  - { id: ana, access: comandr, email: ana.example.com, slack: "@ana", discord: ana#1, timezone: CEST }
  - { id: ben, access: responder, email: Ben <ben@example.com>, slack: U012AB3CD }
  - { id: eve, access: root, email: eve@example.com, slack: U012AB3CD }
  - { id: fay, email: EVE@example.com }
`, []string{
			`2:24: "access" must be guest, stakeholder, responder, commander or admin, not "comandr"; did you mean "commander"?`,
			`2:40: "email": "ana.example.com" is not an e-mail address; write one like ana@example.com`,
			`2:64: "slack": "@ana" is not a Slack user ID, such as U012AB3CD (in the person's Slack profile: Copy member ID)`,
			`2:81: "discord": "ana#1" is not a Discord user ID, such as "80351110224678912" (in developer mode: Copy User ID)`,
			`2:98: "timezone": there is no time zone "CEST"; write one such as Europe/Berlin, America/New_York or UTC`,
			`3:42: "email" must be the address only: write "ben@example.com"`,
			`4:24: "access" must be guest, stakeholder, responder, commander or admin, not "root"`,
			`4:61: this Slack user is already in line 3; use another one here`,
			`5:23: this e-mail address is already in line 4; use another one here`,
		}},
		{"notify", `
people:
  - id: ana
    access: responder
    notify:
      high: [{ via: email }, { via: emial }, { via: pigeon }, { after: 1m }, { via: log, to: x }]
      low: [{ via: webhook }, { via: webhook, to: nco }, { via: email, to: ana, aftr: 1m }]
      medium: []
webhooks: [{ name: noc, url: "https://noc.example.com/x", secret_env: NOC_SECRET }]
`, []string{
			`5:21: "via: email" needs a mail server: configure pagers.email, or remove this method`,
			`5:21: "via: email" needs an address: give the person an "email", or this method a "to"`,
			`5:37: "via" must be chat, slack, email, webhook or log, not "emial"; did you mean "email"?`,
			`5:53: "via" must be chat, slack, email, webhook or log, not "pigeon"`,
			`5:63: a contact method needs "via", such as email`,
			`5:94: "via: log" has no address; remove "to"`,
			`6:20: "via: webhook" needs "to", the name of a webhook`,
			`6:51: there is no webhook "nco"; did you mean "noc"?`,
			`6:65: "via: email" needs a mail server: configure pagers.email, or remove this method`,
			`6:76: "to": "ana" is not an e-mail address; write one like ana@example.com`,
			`6:81: "aftr" is not a key of a contact method; did you mean "after"?`,
			`7:7: "medium" is not a key of "notify" of a person; its keys are high, low`,
		}},
		{"too many ways", "people: [{ id: ana, access: admin, notify: { low: [" + strings.Repeat("{ via: log }, ", 9) + "] } }]\n", []string{
			"1:164: a person can have at most 8 methods; remove this one and those after it",
		}},
		{"nobody may respond", "people: [{ id: ana }]\n", []string{
			`1:1: no person has the access responder, so no one would be paged: give a person "access: responder", or configure "policies"`,
		}},
	})
}

func TestReferences(t *testing.T) {
	runBad(t, []badCase{
		{"teams and services", `
people: [{ id: ana, access: admin }, { id: ben }]
teams:
  - { id: payments, members: [ana, bne, ana], lead: zoe }
services:
  - { id: checkout, team: paymets, policy: nobody, depends_on: [databse, checkout] }
  - { id: database, runbook: "wiki/database", category: storage }
integrations:
  - { name: prometheus, type: alertmanager, owner: nobody }
routes:
  - { match: "true", service: chekout }
tokens:
  - { name: ci, token_env: CI, access: admin, as: bob }
default_policy: everyone
fallback_policy: defautl
`, []string{
			`3:36: there is no person "bne"; did you mean "ben"?`,
			`3:41: "ana" is in "members" twice; keep one`,
			`3:53: there is no person "zoe"; use ana or ben, or add it under "people"`,
			`5:27: there is no team "paymets"; did you mean "payments"?`,
			`5:44: there is no policy "nobody"; use default, or add it under "policies"`,
			`5:64: the service "checkout" depends on itself; remove it from the list`,
			`5:65: there is no service "databse"; did you mean "database"?`,
			`6:30: "runbook" must be a whole URL, such as https://wiki.example.com/checkout`,
			`8:52: there is no team "nobody"; use payments, or add it under "teams"`,
			`10:31: there is no service "chekout"; did you mean "checkout"?`,
			`12:51: there is no person "bob"; use ana or ben, or add it under "people"`,
			`13:17: there is no policy "everyone"; use default, or add it under "policies"`,
			`14:18: there is no policy "defautl"; did you mean "default"?`,
		}},
		{"nothing to choose from", "policies: [{ id: a, steps: [{ notify: [\"team:x\", \"person:y\"] }] }]\n", []string{
			`1:40: there is no team "x"; add it under "teams"`,
			`1:50: there is no person "y"; add it under "people"`,
		}},
	})
}
