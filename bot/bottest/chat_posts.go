package bottest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"tocsin/bot"
	"tocsin/bot/card"
)

// The cases of [Chat] about posts.

// postsInOrder: messages appear in the order in which they were posted.
func postsInOrder(c *chatTest) {
	room := c.room(checkout())
	var want []string
	for n := range 12 {
		want = append(want, fmt.Sprintf("line %d.", n))
		c.mustPost(room, fmt.Sprintf("INC-7/%d.0", n+3), want[n])
	}
	c.wantPosts(room, want...)
	for _, post := range c.posts(room) {
		if !strings.Contains(post, "Ana Silva") {
			c.Errorf("the post does not say whose it is: %q", post)
		}
	}
}

// onePost: a key is posted once; another key posts the same text again.
func onePost(c *chatTest) {
	room, other := c.room(checkout()), c.room(search())
	c.mustPost(room, "INC-7/3.0", "Acknowledged")
	c.mustPost(room, "INC-7/3.0", "Acknowledged")
	c.wantPosts(room, "Acknowledged")
	c.mustPost(room, "INC-7/4.0", "Acknowledged")
	c.mustPost(other, "INC-8/3.0", "Acknowledged")
	c.mustPost(room, "INC-7/3.0", "Acknowledged")
	c.wantPosts(room, "Acknowledged", "Acknowledged")
	c.wantPosts(other, "Acknowledged")
}

// onePostAtOnce: a key is posted once also when a worker has lost its lease and
// another posts at the same time. The second call may get an error that is not
// permanent.
func onePostAtOnce(c *chatTest) {
	room := c.room(checkout())
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			key := fmt.Sprintf("INC-7/%d.0", 3+n%2)
			if err := c.post(c.Context(), room, key, "Acknowledged"); bot.IsPermanent(err) {
				c.Errorf("%s beside another is refused for good: %v", key, err)
			}
		})
	}
	all.Wait()
	c.mustPost(room, "INC-7/3.0", "Acknowledged")
	c.mustPost(room, "INC-7/4.0", "Acknowledged")
	c.wantPosts(room, "Acknowledged", "Acknowledged")
}

// lostPost: a post whose response was lost is not posted again, also when others
// have posted since.
func lostPost(c *chatTest) {
	if c.LoseAnswer == nil {
		c.Skip("no answer can be lost")
	}
	room := c.room(checkout())
	c.mustPost(room, "INC-7/3.0", "before")
	c.LoseAnswer()
	if err := c.post(c.Context(), room, "INC-7/4.0", "unclear"); bot.IsPermanent(err) {
		c.Fatalf("an unclear outcome is permanent: %v", err)
	}
	if got := c.posts(room); len(got) != 2 {
		c.Fatalf("the fixture has lost more than the answer: %q", got)
	}
	c.mustPost(room, "INC-7/4.0", "unclear")
	c.mustPost(room, "INC-7/5.0", "after")
	c.mustPost(room, "INC-7/4.0", "unclear")
	c.wantPosts(room, "before", "unclear", "after")
}

// hostile is text that breaks careless programs.
func hostile() map[string]string {
	numbers := strings.Builder{}
	for n := range 2000 {
		fmt.Fprintf(&numbers, "%04d ", n)
	}
	return map[string]string{
		"HTML":            `<script>alert(1)</script><img src=x onerror="alert(1)"> <b>bold</b> &lt;i&gt; &amp;amp; </li></ol>`,
		"AngleMentions":   "<!channel> <!here> <@U024BE7LH> <#C024BE7LR|general> <https://example.com|bank.example.com> *bold* _it_ ~no~ `code` :tada:",
		"AtMentions":      "@everyone @here <@80351110224678912> <@&165511591545143296> <#103735883630395392> **bold** __under__ ~~no~~ ||spoiler|| <t:1618953630>",
		"Markdown":        "# head\n> quote\n- [x] done\n1. one\n```sh\nrm -rf /\n```\n[press](javascript:alert(1)) ![](https://example.com/x.png) \\*no\\*",
		"Stream":          "data: x\n\nevent: gone\nid: 7\n\n: comment\n-->]]>",
		"JSON":            `{"text":"\"}],\u0041\n`,
		"TenThousand":     numbers.String(),
		"TenThousandWide": strings.Repeat("🇪🇺é漢", 2500),
		"OneWord":         strings.Repeat("w", 10_000),
		"RightToLeft":     "שלום עולם، مرحبا بالعالم (1) abc",
		"Overrides":       "report\u202etxt.exe\u202c \u2066a\u2069 \u200f(b)",
		"Flags":           "🏴‍☠️ 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏳️‍🌈 👩‍👩‍👧‍👦 e\u0301 ﷽",
		"Lines":           "first\nsecond\r\nthird\n\n\n\tindented\u2028last",
		"Controls":        "a\x00b\x1b[31mred\x07\x7f\u0085",
		"NotUTF8":         "a" + string([]byte{0xff, 0xfe, 0xc3, '(', 0xed, 0xa0, 0x80}) + "z",
		"Stamps":          "a\U0010FE001772421120\U0010FE0204:12:00 CET\U0010FE03b\U0010FE01\U0010FE021772421120\U0010FE02<b>\U0010FE03\U0010FE00 12",
		"Blank":           " \n\t ",
		"Empty":           "",
	}
}

// hostileTexts: any text is shown as plain text, and the next post arrives.
func hostileTexts(c *chatTest) {
	room, n := c.room(checkout()), 3
	texts := hostile()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		c.skipPosts(room)
		c.mustPost(room, fmt.Sprintf("INC-7/%d.0", n), texts[name])
		c.reads(name, strings.Join(c.posts(room), "\n"), texts[name])
		c.skipPosts(room)
		c.mustPost(room, fmt.Sprintf("INC-7/%d.0", n+1), "as ever")
		c.wantPosts(room, "as ever")
		n += 2
	}
}

// reads reports whether the messages show every visible character of a posted
// text, in order, or the first of them and an ellipsis where the platform cuts.
func (c *chatTest) reads(name, got, text string) {
	c.Helper()
	whole, seen := visibleText(text), visibleText(got)
	if !utf8.ValidString(got) {
		c.Errorf("%s: what is read is not UTF-8", name)
	}
	if !strings.Contains(seen, "AnaSilva") {
		c.Errorf("%s: the post does not say whose it is: %.200q", name, got)
	}
	if strings.Contains(seen, whole) {
		return
	}
	const dress = 100 // characters that the title and what goes with it may take of what is cut
	if head := []rune(whole); c.Longest > 2*dress && utf8.RuneCountInString(text) > c.Longest-dress && strings.Contains(seen, "…") {
		if least := min(c.Longest/2-dress, len(head)); strings.Contains(seen, string(head[:least])) {
			return
		}
	}
	c.Errorf("%s: posted %.300q, and people read %.300q", name, text, got)
}

// visibleText returns the visible characters of a text: adapters may move white
// space, and remove invisible characters and those that change the direction of
// text. Text that looks like a time may be shown as one.
func visibleText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError || strings.ContainsRune("\u200b\u200e\u200f\u061c\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", r) {
			return -1
		}
		return r
	}, card.Plain(text))
}

// privateRoom: a user who is not a member of a private incident reads nothing of it,
// and the name of its room reveals nothing (P2: private means members only).
func privateRoom(c *chatTest) {
	public, secret := c.room(checkout()), c.room(payroll())
	if public.ID == secret.ID {
		c.Fatal("a private incident shares its room")
	}
	c.mustPost(public, "INC-7/3.0", "Restarted the database")
	c.mustPost(secret, "INC-9/3.0", "The payroll of March was copied")
	c.wantPosts(secret, "The payroll of March was copied")
	outside := c.Outside()
	if !strings.Contains(outside, "Restarted the database") {
		c.Fatalf("the fixture does not show what others read of the public incident: %.300q", outside)
	}
	for _, word := range []string{"payroll", "leaked", "copied"} {
		if strings.Contains(strings.ToLower(outside), word) {
			c.Errorf("P2: others read %q of a private incident", word)
		}
		if strings.Contains(strings.ToLower(secret.Name+secret.ID+secret.URL), word) {
			c.Errorf("P2: the room of a private incident is called %+v", secret)
		}
	}
}
