/** The empty page: its script fills it. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Projected tokens</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="style.css">
</head>
<body>
<main id="page" aria-busy="true"></main>
<noscript><p class="verdict wait">This page needs JavaScript. The same as JSON: <a href="status">status</a></p></noscript>
<footer>The same as JSON: <a href="status">status</a></footer>
<script src="app.js" defer></script>
</body>
</html>
`

export const PAGE_ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="4" fill="#1f5fbf"/><path d="M3 8h7M11.5 5v6" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>
`
