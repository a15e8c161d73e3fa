package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// webPage is a page of the Temporal Web UI in a real browser.
type webPage struct {
	t      *testing.T
	tab    context.Context //nolint:containedctx // chromedp's handle of the tab is a context
	base   string
	secret string
}

// width and height of the window: wide enough that nothing breaks in two that
// stays in one line on a desk.
const width, height = 1400, 900

var webUIAddress = regexp.MustCompile(`Web UI +(\S+)`)

// webUI opens a browser for the Web UI of this stack. It ends with the test.
func (s *system) webUI() *webPage {
	s.t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(s.t)),
		// Its sandbox refuses root and needs what containers do not grant; it sees
		// no page but ours.
		chromedp.NoSandbox,
		chromedp.Flag("lang", "en-US"),
		chromedp.Env("TZ=UTC"),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...) //nolint:usetesting // it has to end in the test's clean-up, and be waited for
	tab, _ := chromedp.NewContext(allocator)
	s.t.Cleanup(func() {
		_ = chromedp.Cancel(tab)
		end()
	})
	require.NoError(s.t, chromedp.Do(tab, chromedp.EmulateViewport(width, height)), "start the browser")
	address := webUIAddress.FindStringSubmatch(s.dev.output.String())
	require.NotNil(s.t, address)
	return &webPage{t: s.t, tab: tab, base: address[1], secret: s.variable("LINK_TOKEN_DEMO")}
}

// chromium finds the browser. CI has one; elsewhere the other tests are worth
// running without.
func chromium(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err == nil {
		return path
	}
	const remedy = "the Web UI is looked at with chromium, which is not installed: apt-get install chromium"
	if os.Getenv("CI") != "" {
		t.Fatal(remedy)
	}
	t.Skip(remedy)
	return ""
}

func (p *webPage) do(what string, action chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.tab, 30*time.Second)
	defer cancel()
	require.NoError(p.t, chromedp.Do(ctx, action), what)
}

func (p *webPage) open(path string) {
	p.t.Helper()
	p.do("open "+path, chromedp.Navigate(p.base+path))
}

// click waits for the link with these words.
func (p *webPage) click(words string) {
	p.t.Helper()
	p.do("click on "+words, chromedp.Click(chromedp.Search(`//a[contains(., "`+words+`")]`)))
}

// follow goes where a link within a frame leads; by itself it opens a new tab.
func (p *webPage) follow(words string) {
	p.t.Helper()
	address, err := chromedp.Run(p.tab, chromedp.Evaluate[string](`[...document.querySelectorAll("iframe")]
		.flatMap(f => [...f.contentDocument.querySelectorAll("a")]).find(a => a.innerText == "`+words+`").href`))
	require.NoError(p.t, err, "no link %q", words)
	p.do("open "+address, chromedp.Navigate(address))
}

func (p *webPage) press(key string) {
	p.t.Helper()
	p.do("press "+key, chromedp.KeyEvent(key))
}

// visibleText is what is to be read on the page and in the frames on it: the Web
// UI renders Markdown in frames.
const visibleText = `[document, ...[...document.querySelectorAll("iframe")].filter(f => f.clientHeight > 0 && f.contentDocument).map(f => f.contentDocument)]
	.map(d => d.body ? d.body.innerText : "").join("\n")`

// text is what a person reads, with all white space as one blank.
func (p *webPage) text() string {
	p.t.Helper()
	text, err := chromedp.Run(p.tab, chromedp.Evaluate[string](visibleText))
	require.NoError(p.t, err)
	require.NotContains(p.t, text, p.secret)
	return strings.Join(strings.Fields(text), " ")
}

// shows returns when all parts are to be read.
func (p *webPage) shows(parts ...string) {
	p.t.Helper()
	for _, part := range parts {
		p.showsLike(regexp.QuoteMeta(part))
	}
}

func (p *webPage) showsLike(pattern string) {
	p.t.Helper()
	wanted := regexp.MustCompile(pattern)
	for end := time.Now().Add(30 * time.Second); !wanted.MatchString(p.text()) && time.Now().Before(end); {
		p.do("let the page work", chromedp.Evaluate[chromedp.Void](`new Promise(done => setTimeout(done, 50))`, chromedp.EvalAwaitPromise))
	}
	require.Regexp(p.t, wanted, p.text())
}

func (p *webPage) screenshot(file string) {
	p.t.Helper()
	picture, err := chromedp.Run(p.tab, chromedp.CaptureScreenshot())
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(file, picture, 0o644))
}
