"""Benign values that look like what sites receive, from generators of our own. Each function is one source,
`made/NAME`; it takes a generator of chance and gives one value. What they are about stands in their first line."""

import base64
import json
import urllib.parse

from sample import Sample
from words import (
    ADJECTIVES,
    CHINESE,
    CITIES,
    FIRST,
    IDENTIFIERS,
    LAST,
    NOUNS,
    OTHERS,
    STREETS,
    TECHNICAL,
    VERBS,
)

COUNT = 1800  # Values of each source.


def pick(chance, *choices):
    """One of the choices; a function is called."""
    choice = chance.choice(choices)
    return choice(chance) if callable(choice) else choice


def number(chance):
    return str(chance.choice([chance.randint(0, 9), chance.randint(10, 999), chance.randint(1000, 10**7)]))


def word(chance):
    return chance.choice(chance.choice([NOUNS, ADJECTIVES, VERBS, TECHNICAL]))


def identifier(chance):
    return chance.choice(["", "", "user_", "is_", "x-"]) + chance.choice(IDENTIFIERS) + chance.choice(["", "", "_id", "Name", "2"])


def name(chance):
    """Names of people: apostrophes, hyphens, accents, titles, initials."""
    first, last = chance.choice(FIRST), chance.choice(LAST)
    last = pick(chance, last, last, last, f"O'{last}", f"D'{last}", f"{last}-{chance.choice(LAST)}", f"Mc{last}", f"{last}, Jr.")
    form = chance.choice(["{f} {l}", "{l}, {f}", "{f} {m}. {l}", "Dr. {f} {l}", '{f} "{n}" {l}', "{f} & {g} {l}", "{l}", "{f} {l} ({n})"])
    text = form.format(f=first, l=last, m=chance.choice("ABCDEFGHJKLMNOPRSTW"), n=word(chance), g=chance.choice(FIRST))
    return pick(chance, text, text, text.upper(), text.lower())


def address(chance):
    """Postal addresses in several countries' ways."""
    street, city = chance.choice(STREETS), chance.choice(CITIES)
    return pick(
        chance,
        f"{number(chance)} {street} St., Apt. #{chance.randint(1, 99)}",
        f"c/ {street}, {chance.randint(1, 200)}, {chance.randint(1, 9)}º {chance.choice('ABCD')}",
        f"{street}straße {chance.randint(1, 99)}-{chance.randint(1, 99)}, {chance.randint(10000, 99999)} {city}",
        f"{chance.randint(1, 99)}/{chance.randint(1, 9)} {street} Road\r\n{city}\r\n{chance.randint(1000, 99999)}",
        f"P.O. Box {chance.randint(1, 9999)}; {city} ({chance.choice(['north', 'south', 'old town'])})",
        f"{chance.choice(CHINESE[:40])}路{chance.randint(1, 999)}号{chance.randint(1, 30)}栋{chance.randint(101, 3204)}室",
        f"L'{street}, {city} s/n",
    )


def sentence(chance):
    noun, other, verb, adjective = chance.choice(NOUNS), chance.choice(NOUNS), chance.choice(VERBS), chance.choice(ADJECTIVES)
    forms = [
        "Please {v} the {a} {n} from the {o} and let me know where it is.",
        "I don't think the {n} is {a} -- it's more like a {o}, isn't it?",
        "We {v} every {n} (and any {o}) before 5:00 p.m.; after that, it's too late...",
        'She said: "{v} the {n} or the {o}", then left.',
        "Can you {v} {k} {n}s, or {v} all of them? Thanks!!",
        "Select the best {n}, order by price, and update your {o} where needed.",
        "The union of {n}s and {o}s will {v} a new {a} table; drop by any time.",
        "Insert the {a} {n} into the {o}, then delete the old one & {v} again.",
        "If you {v} it, the {n} = {a}; if not, it's the {o} (see p. {k}).",
        "{n}s: {k}/{k} {a}, {o}s: {k}% off -> {v} now!",
        "What's the difference between a {n} and a {o}? I'd like to {v} both.",
        "Having {v} the {n}, group it by {o} and limit it to {k}.",
        "The cat will sleep on the {n} while we wait for the {o} to {v}; exec summary below.",
        "My id is {k}. Who am I? {v} me at {o}@example.com or call +1 ({k}) 555-0100.",
        "Create a {n}, alter the {o}, or replace it as you like, but not both.",
        "{v} {n} #{k} <-> {o} *{a}* ~ {k}",
        "the script should load the {n} onto the {o}, run on error and alert the {a} team",
        "cd of the {n}; ls {k} {o}; cat & dog {v}; less is more | more or less",
        "I've {v} 'the {n}' AND 'the {o}' = {a}",
        "Do you like 1 or 2? Is 1 {n} and 1 {o} the same as 2 {a} ones?",
        "between {k} and {k} people like {n}, but not {o}; in case of {a} weather, {v}",
        "\"{a} {n}\" - {o} ({v}ed {k}x)",
    ]
    return chance.choice(forms).format(n=noun, o=other, v=verb, a=adjective, k=number(chance))


def prose(chance):
    """English sentences, with words of SQL and of the shell in their everyday meaning, quotes, dashes, parentheses."""
    text = chance.choice([" ", " ", "\r\n", "\n\n"]).join(sentence(chance) for _ in range(chance.choice([1, 1, 1, 2, 3, 8])))
    return pick(chance, text, text, text, text.lower(), text.upper(), text + "\r\n-- \r\n" + chance.choice(FIRST))


def chinese(chance):
    """Chinese sentences, with punctuation of both widths, digits and technical words among them."""
    parts = []
    for _ in range(chance.randint(2, 9)):
        parts.append(pick(chance, *chance.sample(CHINESE, 4), f" {word(chance)} ", number(chance)))
        parts.append(chance.choice(["", "", "，", "。", "？", "！", "、", "（", "）", "“", "”", "：", ",", " ", "；", "\r\n"]))
    return "".join(parts)


def search(chance):
    """What people type into a search box: sizes, models, operators of search engines, unfinished quotes."""
    a, b, c = word(chance), word(chance), chance.choice(TECHNICAL)
    return pick(
        chance,
        f"{a} {b}", f"{a} {b} {c}", f'"{a} {b}" -{c}', f"{a} OR {b}", f"{a} AND {b} NOT {c}", f"({a} OR {b}) AND {c}",
        f"{a} {number(chance)} {b}", f"{a}+{b}", f'{number(chance)}" x {number(chance)}" {a}', f"{chance.randint(4, 6)}'{chance.randint(0, 11)}\" {a}",
        f"how to {chance.choice(VERBS)} a {chance.choice(NOUNS)} in {c}?", f"{c} vs {chance.choice(TECHNICAL)}", f"{a}'s {b}", f"{a} & {b}",
        f"site:example.com {a} filetype:pdf", f"{a}*", f'"{a}', f"{a} ({b})", f"{a}/{b}", f"{a}, {b}; {c}", f"select {a} where {b}", f"{a} < {number(chance)}",
        f"sort {a} by {b}", f"{a} like {b}", f"how to select from {a} in {c}", f"#{a} #{b}", f"@{a}", f"{a} = {b}?", f"{a}--{b}", f"{a} -- {b}",
        f"{c} {number(chance)}.{chance.randint(0, 20)}.{chance.randint(0, 20)}", f"1/2 {a} and 3/4 {b}", f"c++ {a}", f"{a} $ {number(chance)}",
    )


def query(chance):
    return urllib.parse.urlencode({identifier(chance): pick(chance, word, number, hexadecimal) for _ in range(chance.randint(1, 6))})


def url(chance):
    """Addresses: whole, relative, with queries, fragments, ports, encoded inside one another."""
    host = pick(chance, "www.example.com", "shop.example.org", "localhost:8080", "192.0.2.7", "xn--fsq.example", f"{word(chance)}.example.net")
    path = "/".join(pick(chance, word, number, identifier) for _ in range(chance.randint(0, 5)))
    text = f"{chance.choice(['http', 'https', 'https', '', 'ftp'])}://{host}/{path}".removeprefix("://")
    text += chance.choice(["", "", ".html", ".php", ".jpg", ".aspx", "/"]) + chance.choice(["", f"?{query(chance)}"]) + chance.choice(["", "", f"#{word(chance)}", "#!/" + path])
    return pick(
        chance, text, text, f"/{path}?{query(chance)}", f"//{host}/{path}", f"../{path}.css", f"./{path}.png", f"/login?next={urllib.parse.quote(text, safe='')}",
        f"{text}&redirect={urllib.parse.quote(text, safe='')}", f"mailto:{word(chance)}@{host}?subject={urllib.parse.quote(sentence(chance))}", f"{text} {text}",
    )


def scalar(chance):
    return pick(chance, word, number, sentence, hexadecimal, name, lambda c: c.choice([True, False, None]), lambda c: round(c.uniform(-1000, 1000), c.randint(1, 6)), date)


def tree(chance, depth=0):
    roll = chance.random()
    if depth > 2 or roll < 0.45:
        value = scalar(chance)
        return int(value) if isinstance(value, str) and value.isdigit() and chance.random() < 0.7 else value
    if roll < 0.8:
        return {identifier(chance): tree(chance, depth + 1) for _ in range(chance.randint(0, 5))}
    return [tree(chance, depth + 1) for _ in range(chance.randint(0, 4))]


def json_text(chance):
    """JSON as a value: objects, lists, escapes, JSON inside JSON; GraphQL; filters of APIs."""
    value = {identifier(chance): tree(chance) for _ in range(chance.randint(1, 6))}
    text = json.dumps(value, ensure_ascii=chance.random() < 0.3, indent=chance.choice([None, None, 2]), separators=chance.choice([None, (",", ":")]))
    a, b, c = identifier(chance), identifier(chance), identifier(chance)
    return pick(
        chance, text, text, text, json.dumps({a: text}), json.dumps([tree(chance), tree(chance)]), text.replace('"', "'"), json.dumps(sentence(chance)),
        f"query {{ {a}(first: {number(chance)}, after: \"{hexadecimal(chance)}\") {{ edges {{ node {{ id {b} {c} }} }} }} }}",
        f"mutation M($in: {a.title()}!) {{ update{b.title()}(input: $in) {{ ok errors {{ field message }} }} }}",
        json.dumps({"filter": {a: {"$gte": 5}}, "sort": {b: -1}, "limit": 10}) if chance.random() < 0.15 else text,
        json.dumps({"query": {"bool": {"must": [{"match": {a: word(chance)}}], "filter": [{"range": {b: {"gte": "now-1d/d"}}}]}}}),
    )


def hexadecimal(chance):
    return "".join(chance.choices("0123456789abcdef", k=chance.choice([4, 8, 16, 24, 32, 40, 64])))


def token(chance):
    """Identifiers of machines: UUIDs, hashes, base64 of bytes, JWTs, cookies of analytics, signatures, version lists."""
    raw = chance.randbytes(chance.choice([8, 12, 16, 20, 32, 48, 64, 128, 256]))
    plain = base64.b64encode(raw).decode()
    safe = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps({"sub": number(chance), "iat": chance.randint(10**9, 2 * 10**9)}).encode()).decode().rstrip("=")
    h = hexadecimal(chance)
    return pick(
        chance, plain, safe, h, h.upper(), f"{h[:4]}-{h[:4]}", f"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{body}.{safe}", f"GA1.2.{chance.randint(10**8, 10**9)}.{chance.randint(10**9, 2 * 10**9)}",
        f"fb.1.{chance.randint(10**12, 2 * 10**12)}.{chance.randint(10**8, 10**9)}", f'W/"{h}"', f'"{h}"', f"{{{h[:8]}-{h[:4]}-4{h[:3]}-a{h[:3]}-{(h * 3)[:12]}}}", f"{h}:{number(chance)}:{safe}",
        f"{number(chance)}|{plain}|{h}", f"v1.{h}.{number(chance)}", ",".join(number(chance) for _ in range(chance.randint(2, 20))), f"s:{safe}.{plain}", f"{h};{number(chance)};{word(chance)}",
        "|".join(f"{identifier(chance)}={number(chance)}" for _ in range(chance.randint(1, 6))), f"sha256-{plain}", f"AKIA{h.upper()[:16]}", f"{plain}--{h}", f"data:image/png;base64,{plain}",
        urllib.parse.quote(plain, safe=""), f"a:{chance.randint(1, 3)}:{{s:{len(h)}:\"{h}\";i:{number(chance)};}}" if chance.random() < 0.1 else safe, f"lang=en&theme=dark&v={number(chance)}",
    )


def code(chance):
    """Snippets of programs as they are posted to forums and trackers: Python, JavaScript, C, CSS, configuration, traces."""
    a, b, c, n = identifier(chance), identifier(chance), chance.choice(IDENTIFIERS), number(chance)
    a, b = a.replace("-", "_"), b.replace("-", "_")
    return pick(
        chance,
        f"def {a}({b}, {c}={n}):\n    return [{c} for {c} in {b} if {c} > {n}]", f"for (int i = 0; i < {n}; i++) {{ {a}[i] = {b} * i; }}", f"const {a} = ({b}) => {b}.map(x => x.{c} || '{word(chance)}');",
        f"if ({a} == null && {b} != '{word(chance)}') {{ return {c}; }}", f"#{a} > ul.{b} li:nth-child({n}) a[href^=\"http\"] {{ color: #{hexadecimal(chance)[:6]}; margin: 0 auto; }}",
        f"TypeError: Cannot read property '{a}' of undefined\n    at {b} (https://www.example.com/js/app.{hexadecimal(chance)[:8]}.js:1:{n})", f"{a}: {n}\n{b}: [{word(chance)}, {word(chance)}]\n# {sentence(chance)}",
        f"[{a}]\n{b} = {n}\n; {sentence(chance)}\n{c}=\"{word(chance)}\"", f"struct {a} {{ char *{b}; uint32_t {c}:{chance.randint(1, 31)}; }}; /* {sentence(chance)} */", f"{a}.{b}({n}, \"{word(chance)}\"); // {sentence(chance)}",
        f"import {{ {a}, {b} }} from './{c}';", f"Exception in thread \"main\" com.example.{a.title()}Exception: {sentence(chance)}\n\tat com.example.{b}.{c}({b.title()}.java:{n})", f"^[a-z0-9._%+-]+@{word(chance)}\\.[a-z]{{2,6}}$",
        f"while {a} and not {b}:\n    {c} += {n}", f"{a} = {b} ? {n} : {c};", f"fmt.Printf(\"%s: %d\\n\", {a}, {b})", f"`{a}` returns *{b}*, see [{c}](https://www.example.com/{a})", f"{a}::{b}<{c}>::new(&{a})?;",
        f"{{{{ {a} }}}}" if chance.random() < 0.1 else f"{{{a}}}", f"printf(\"%-{chance.randint(2, 20)}s|%5.2f\\n\", {a}, {b});",
    )


def html(chance):
    """Text from rich editors: paragraphs, links, images, tables, inline styles; no script."""
    s, w, u = sentence(chance), word(chance), f"https://www.example.com/{word(chance)}/{number(chance)}"
    return pick(
        chance,
        f"<p>{s}</p>", f"<p>{s}</p>\r\n<p>{sentence(chance)}</p>", f'<a href="{u}">{w}</a>', f'<p>{s} <a href="{u}" target="_blank" rel="noopener">{w}</a></p>', f"<b>{w}</b> {s}", f"<ul><li>{w}</li><li>{s}</li></ul>",
        f'<img src="{u}.jpg" alt="{w}" width="{number(chance)}" height="{number(chance)}" />', f'<p style="text-align: center;">{s}</p>', f'<span style="color: #{hexadecimal(chance)[:6]}">{w}</span>', f"<div class=\"{w}\"><h{chance.randint(1, 4)}>{s}</h2><br/>{w}</div>",
        f"<table border=\"1\"><tr><td>{w}</td><td>{number(chance)}</td></tr></table>", f"{s}<br><br>{sentence(chance)}&nbsp;&mdash; {name(chance)}", f"<blockquote>{s}</blockquote>", f"{w} <{w}@example.com>", f"<em>{w}</em>, <strong>{w}</strong>: {s}",
        f"[b]{w}[/b] [url={u}]{s}[/url]", f"**{w}** _{w}_ ~~{s}~~ [{w}]({u})", f"I <3 {w} :-) <- {s}", f"<!-- {w} --><p>{s}</p>",
    )


def formula(chance):
    """Mathematics, comparisons, money, measures."""
    a, b, c, n, m = *chance.sample("abcdfghkmnpqrtuvwxyz", 3), number(chance), number(chance)
    return pick(
        chance, f"{n}+{m}={int(n) + int(m)}", f"{a} = {n}*{b} + {m}", f"f({a}) = {a}^2 - {n}{a} + {m}", f"{a} < {b} and {b} > {c}", f"({a}+{b})*({a}-{b}) = {a}^2-{b}^2", f"P({a}|{b}) = P({b}|{a})*P({a})/P({b})", f"{n} x {m} cm (+/- {chance.randint(1, 9)}%)",
        f"${n}.{chance.randint(10, 99)} - ${m}.00", f"{n}:{m}", f"{n}/{m}", f"-{n}", f"{n}%", f"{n}e-{chance.randint(1, 9)}", f"|{a}| <= {n}", f"{a} in {{{n}, {m}}}", f"sin({a}) + cos({b})", f"log({n}) = {m}", f"{n} <= {a} < {m}", f"{a}' = -{b}{a}", f"{n} != {m}",
        f"{a}1 = {b}2 = {n}", f"[{n}, {m})", f"max({a}, {b})", f"=SUM(A1:A{n})", f"=IF(A{n}>B{m},\"{word(chance)}\",\"\")", f"{n} & {m}", f"~{n}", f"#{n}", f"{n}° {m}' {chance.randint(0, 59)}\" N", f"1 {a} = {n} {b}",
    )


def listing(chance):
    """Filters, orders, ranges and lists as parameters of APIs."""
    a, b, n, m = identifier(chance), identifier(chance), number(chance), number(chance)
    return pick(
        chance, f"{a}:asc,{b}:desc", f"-{a}", f"{a} desc", f"{a},{b},-{a}", f"{n}-{m}", f"[{n} TO {m}]", f"{a}:[{n} TO *]", f"{a}={n};{b}={m}", f"{a}|{b}|{n}", f"{n}|{m}", f"({n},{m})", f"{a}[]={n}", f"{a}.{b}", f"{a}.{b}.0.{a}", f"{a}[{b}]", f"*,{a}({b})", f"{a} eq '{word(chance)}'",
        f"price gt {n} and price lt {m}", f"contains({a},'{word(chance)}')", f"{a} ne null", f"{n};{m};{n}", f"{a}:{word(chance)} {b}:{n}", f"{a}>={n}", f"{{{a}}}", f"bytes={n}-{m}", f"{a}={word(chance)}&{b}={n}", f"en-US,en;q=0.9,zh-CN;q=0.8", f"{n},{m}|{n},{m}", f"select_{a}",
        f"{a}-group-by-{b}", f"order_by_{a}", f"{a} {b}", f"+{a},-{b}", f"{a}:{n}..{m}", f"polygon(({n} {m},{m} {n},{n} {m}))",
    )


def date(chance):
    """Dates, times, telephones, places, versions."""
    y, mo, d, h, mi = chance.randint(1950, 2030), chance.randint(1, 12), chance.randint(1, 28), chance.randint(0, 23), chance.randint(0, 59)
    return pick(
        chance, f"{y}-{mo:02}-{d:02}", f"{d:02}/{mo:02}/{y}", f"{y}-{mo:02}-{d:02}T{h:02}:{mi:02}:00.000Z", f"{y}-{mo:02}-{d:02} {h:02}:{mi:02}:00+08:00", f"{h}:{mi:02} pm", f"+{chance.randint(1, 99)} ({chance.randint(100, 999)}) {chance.randint(100, 999)}-{chance.randint(1000, 9999)}",
        f"{y}年{mo}月{d}日", f"{chance.uniform(-90, 90):.6f},{chance.uniform(-180, 180):.6f}", f"Mon, {d:02} Jan {y} {h:02}:{mi:02}:00 GMT", f"{chance.randint(0, 9)}.{chance.randint(0, 30)}.{chance.randint(0, 30)}-rc.{chance.randint(1, 9)}+{hexadecimal(chance)[:7]}", f"P{chance.randint(1, 9)}DT{h}H", f"{d} {chance.choice(['May', 'June'])}, {y}", f"{y}/{y + 1}", f"'{y % 100:02}",
    )


def agent(chance):
    """User agents and other free headers."""
    v = f"{chance.randint(60, 140)}.0.{chance.randint(0, 6000)}.{chance.randint(0, 200)}"
    return pick(
        chance, f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v} Safari/537.36", f"Mozilla/5.0 (iPhone; CPU iPhone OS {chance.randint(12, 18)}_{chance.randint(0, 6)} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Mobile/15E148 Safari/604.1",
        f"Mozilla/5.0 (X11; Linux x86_64; rv:{chance.randint(78, 140)}.0) Gecko/20100101 Firefox/{chance.randint(78, 140)}.0", f"curl/{chance.randint(7, 8)}.{chance.randint(1, 90)}.0", f"python-requests/2.{chance.randint(20, 34)}.0", f"Mozilla/5.0 (compatible; {word(chance).title()}bot/{chance.randint(1, 3)}.0; +http://www.example.com/bot.html)",
        f"okhttp/{chance.randint(3, 5)}.{chance.randint(0, 12)}.0", f"Dalvik/2.1.0 (Linux; U; Android {chance.randint(8, 15)}; {word(chance).upper()}-{number(chance)} Build/{hexadecimal(chance)[:6].upper()})", f"1.1 {word(chance)} ({word(chance)}/{v})", f'"Chromium";v="{chance.randint(90, 140)}", "Not_A Brand";v="8"', f"for={number(chance)};proto=https;by=203.0.113.43", f"public, max-age={number(chance)}",
    )


def path(chance):
    """File names and paths of both systems."""
    a, b, e = word(chance), word(chance), chance.choice(["txt", "pdf", "jpg", "docx", "tar.gz", "min.js", "css", "mp4", "xlsx", "log"])
    return pick(
        chance, f"{a} {b} ({chance.randint(1, 9)}).{e}", f"C:\\Users\\{chance.choice(FIRST)}\\Documents\\{a}_{b}.{e}", f"/static/{a}/{b}.{hexadecimal(chance)[:8]}.{e}", f"{a}-{b}-{number(chance)}x{number(chance)}.{e}", f"/var/www/{a}/{b}.{e}", f"\\\\server\\{a}\\{b}.{e}", f"{a}/{b}/{a}.{e}", f"./{a}.{e}", f"../{a}/{b}.{e}",
        f"/{chance.choice(OTHERS)}/{b}", f"/api/v{chance.randint(1, 3)}/{a}s/{number(chance)}/{b}", f"/{a}/{b};v={number(chance)}", f"/wp-content/uploads/{chance.randint(2010, 2026)}/0{chance.randint(1, 9)}/{a}.{e}", f"IMG_{chance.randint(2010, 2026)}0{chance.randint(1, 9)}12_{chance.randint(100000, 235959)}.jpg", f"~/{a}.{e}", f"file ({a}) - {b} [{number(chance)}].{e}",
        f"/{a}/{urllib.parse.quote(chance.choice(CHINESE))}.html", f"{a}.{e}", f"@{a}/{b}", f"{a}$1.class",
    )


def little(chance):
    """Small change: placeholders, emoticons, abbreviations, answers of forms."""
    return pick(
        chance, "N/A", "n/a", "--", "---", "-", "...", "*", "#1", "C#", "C++", "AT&T", "R&D", "Q&A", "and/or", "if/else", ":-)", ";)", ";-)", ":'(", "<3", "(y)", "¯\\_(ツ)_/¯", "^_^", "50% off!", "100%", "$5", "1st", "(none)", "[object Object]", "null", "undefined", "NaN", "true", "''", '""', "{}", "[]", "()", "<none>", "'n'",
        f"rock 'n' {word(chance)}", f"'{word(chance)}'", f'"{word(chance)}"', f"'{word(chance)}", f"{word(chance)}'", f"{word(chance)}\"", f"({word(chance)})", f"{word(chance)};", f"{word(chance)}, {word(chance)}", f"{word(chance)} -", f"- {word(chance)}", f"{word(chance)}#", f"#{word(chance)}", f"{word(chance)}?!", f"re: {word(chance)}", f"{word(chance)} =", f"{word(chance)}'s",
        f"{word(chance)}=1", f"{number(chance)}'", f"{number(chance)}\"", f"{number(chance)};", f"{number(chance)})", f"({number(chance)}", f"{number(chance)}.", f"{number(chance)},", f"{number(chance)} - {number(chance)}", f"{number(chance)} and {number(chance)}", f"{number(chance)} or {number(chance)}", f"{word(chance)} and {word(chance)}", f"{word(chance)} or {word(chance)}", f"1 {word(chance)}", f"{word(chance)} #{number(chance)}",
    )


def password(chance):
    """Passwords: any printable signs without a meaning."""
    signs = "!@#$%^&*()-_=+[]{};:,.?/~|" + ("'\"<>`\\" if chance.random() < 0.3 else "")
    letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(chance.choice(signs if chance.random() < 0.25 else letters) for _ in range(chance.randint(6, 24)))


def foreign(chance):
    """Words of other languages, with their apostrophes and accents."""
    return chance.choice([" ", " ", ", ", "-"]).join(chance.choice(OTHERS) for _ in range(chance.randint(1, 9)))


def mail(chance):
    """Letters of several lines: headers quoted, signatures, lists, citations."""
    lines = [f"{chance.choice(['Dear', 'Hi', 'Hello'])} {name(chance)},", ""]
    lines += [pick(chance, sentence, sentence, lambda c: "> " + sentence(c), lambda c: f"* {sentence(c)}", lambda c: f"From: {name(c)} <{word(c)}@example.com>", lambda c: f"Subject: Re: {sentence(c)}", lambda c: f"{c.randint(1, 9)}) {sentence(c)}", url) for _ in range(chance.randint(2, 9))]
    return chance.choice(["\r\n", "\n"]).join([*lines, "", "--", name(chance)])


def element(chance, depth=0):
    tag = chance.choice("div p span section article h2 h3 li td figure figcaption em strong a code pre blockquote small sup label".split())
    extra = pick(
        chance, "", "", f' class="{word(chance)} {word(chance)}-{number(chance)}"', f' id="{identifier(chance)}"', f' data-{word(chance)}="{number(chance)}"', f' title="{sentence(chance)}"', f' style="margin: 0; width: {number(chance)}px"', f' href="{url(chance)}"', f' aria-label="{word(chance)}" role="{word(chance)}"', f" align='{chance.choice(['left', 'center'])}'", ' dir="ltr" lang="zh-CN"',
    )
    inner = sentence(chance) if depth > 2 or chance.random() < 0.5 else "".join(element(chance, depth + 1) for _ in range(chance.randint(1, 3)))
    return f"<{tag}{extra}>{inner}</{tag}>" + chance.choice(["", "", "\n", "<br />", "&nbsp;", "<hr>"])


def article(chance):
    """Pages of editors and of blogs: nested elements with classes, data, styles, comments of block editors, lists, code."""
    parts = [element(chance) for _ in range(chance.randint(1, 6))]
    if chance.random() < 0.3:
        parts.insert(0, f"<!-- wp:{word(chance)} {{\"level\":{chance.randint(1, 6)}}} -->")
        parts.append(f"<!-- /wp:{word(chance)} -->")
    if chance.random() < 0.2:
        parts.append(f"<ol>{''.join(f'<li>{chinese(chance)}</li>' for _ in range(chance.randint(1, 5)))}</ol>")
    if chance.random() < 0.1:
        parts.append(f"&lt;{word(chance)}&gt; {sentence(chance)} &amp;&amp; &quot;{word(chance)}&quot;")
    return chance.choice(["", "\r\n"]).join(parts)


def xml_text(chance):
    """XML: SOAP, feeds, drawings, settings; no entity declared."""
    a, b, c = (identifier(chance).replace("-", "_") for _ in range(3))
    return pick(
        chance, f'<?xml version="1.0" encoding="UTF-8"?><{a}><{b} id="{number(chance)}">{word(chance)}</{b}><{c}/></{a}>', f'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><{a}><{b}>{number(chance)}</{b}></{a}></soap:Body></soap:Envelope>', f"<item><title>{sentence(chance)}</title><link>{url(chance)}</link><pubDate>{date(chance)}</pubDate></item>",
        f'<path d="M{number(chance)} {number(chance)}L{number(chance)},{number(chance)}z" fill="#{hexadecimal(chance)[:6]}"/>', f"<{a}:{b} {c}='{word(chance)}'/>", f"<{a}><![CDATA[{sentence(chance)}]]></{a}>", f'<add key="{a}" value="{word(chance)};{number(chance)}"/>',
    )


def beacon(chance):
    """What scripts of a page send home: errors with traces, selectors, timings, events, states of forms."""
    a, b = identifier(chance).replace("-", "_"), identifier(chance).replace("-", "_")
    frame = f"at {a}.{b} (https://www.example.com/static/js/{word(chance)}.{hexadecimal(chance)[:8]}.js:{number(chance)}:{number(chance)})"
    return pick(
        chance, f"Uncaught ReferenceError: {a} is not defined\n    {frame}\n    {frame}", f"Error: {sentence(chance)}\n    {frame}", f"Script error.", json.dumps({"type": "click", "target": f"div#{a} > button.{b}:nth-of-type({chance.randint(1, 9)})", "t": number(chance)}), f"body>div#{a}>ul.{b}>li:nth-child({chance.randint(1, 9)})>a[href='{url(chance)}']",
        f"ev={word(chance)}&el={a}&v={number(chance)}&dl={urllib.parse.quote(url(chance), safe='')}&dt={urllib.parse.quote(sentence(chance))}", f"_ga=GA1.2.{number(chance)}.{number(chance)}; _gid={hexadecimal(chance)}; lang={word(chance)}", json.dumps([["_setAccount", f"UA-{number(chance)}-1"], ["_trackEvent", word(chance), sentence(chance)]]), f"{a}:{number(chance)}~{b}:{number(chance)}!{hexadecimal(chance)}*{number(chance)}",
        f"(not set)|(direct)|{word(chance)}|{url(chance)}", f"utmcsr=({word(chance)})|utmccn=({word(chance)})|utmcmd=(none)", json.dumps({"message": f"Cannot read properties of null (reading '{a}')", "stack": frame, "userAgent": agent(chance)}), f"[{a}] {sentence(chance)} {{{b}={number(chance)}, ok=true}}",
    )


SOURCES = [name, address, prose, chinese, search, url, json_text, token, code, html, formula, listing, date, agent, path, little, password, foreign, mail, article, xml_text, beacon]


def wrapped(chance, value):
    """Now and then a value as clients wrap it, so that wrapping alone means nothing."""
    roll = chance.random()
    if roll < 0.04:
        return urllib.parse.quote(value).encode()
    if roll < 0.06:
        return base64.b64encode(value.encode())
    if roll < 0.07:
        return value.replace("'", "&#39;").replace('"', "&quot;").replace("<", "&lt;").encode()
    if roll < 0.09:
        return json.dumps(value).encode()
    return value.encode()


def all_benign(chance):
    for source in SOURCES:
        made = set()
        for _ in range(COUNT * 3):
            value = wrapped(chance, source(chance))
            if len(made) < COUNT and value not in made:
                made.add(value)
                yield Sample(f"made/{source.__name__}", "benign", value)
