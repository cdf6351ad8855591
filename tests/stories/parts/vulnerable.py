"""A web application with SQL injection in every form field it has: to be attacked in tests, on loopback only.

`vulnerable.py` listens on a free port of 127.0.0.1, prints it, and serves until its standard input closes.
Never put a value into a query as this program does.
"""
import http.server, sqlite3, sys, threading, urllib.parse

PEOPLE = [(1, "ada", "engine"), (2, "grace", "compiler"), (3, "edsger", "goto")]
GOODS = [(number, f"article {number}", number * 7) for number in range(1, 21)]


def database():
    """The shop, in memory; one connection a request."""
    link = sqlite3.connect(":memory:")
    link.execute("CREATE TABLE people (id INTEGER, name TEXT, secret TEXT)")
    link.execute("CREATE TABLE goods (id INTEGER, title TEXT, price INTEGER)")
    link.executemany("INSERT INTO people VALUES (?, ?, ?)", PEOPLE)
    link.executemany("INSERT INTO goods VALUES (?, ?, ?)", GOODS)
    return link


class Shop(http.server.BaseHTTPRequestHandler):
    """/goods?id= (a number), /search?q= (a text), POST /login (user, password)."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Says nothing."""

    def answer(self, query):
        """Runs a query and shows its rows, or the database's own words when it fails."""
        try:
            rows = database().execute(query).fetchall()
            status, body = (200, "".join(f"<li>{' '.join(map(str, row))}</li>" for row in rows) or "<p>nothing</p>")
        except sqlite3.Error as cause:
            status, body = 500, f"<p>sqlite3.OperationalError: {cause}</p>"
        data = f"<html><body><ul>{body}</ul></body></html>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        """Pages."""
        target = urllib.parse.urlsplit(self.path)
        fields = dict(urllib.parse.parse_qsl(target.query, keep_blank_values=True))
        if target.path == "/goods":
            self.answer("SELECT id, title, price FROM goods WHERE id = " + fields.get("id", "1"))
        elif target.path == "/search":
            self.answer("SELECT id, title, price FROM goods WHERE title = '" + fields.get("q", "") + "'")
        else:
            self.answer("SELECT title FROM goods LIMIT 3")

    def do_POST(self):
        """The login."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode(errors="replace")
        fields = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        user, password = fields.get("user", ""), fields.get("password", "")
        self.answer(f"SELECT id, name FROM people WHERE name = '{user}' AND secret = '{password}'")


def main():
    """Serves until standard input closes."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main()
