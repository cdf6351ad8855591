//! Scripts that are shells and scripts that are not. The shells are put together here, piece by piece.

use super::look;
use proptest::prelude::*;

/// The first reason and whether it was told at all.
fn found(name: &str, text: &str) -> Option<(String, u32)> {
    look(name, text.as_bytes()).map(|scan| (scan.name, scan.score))
}

fn is(name: &str, text: &str, reason: &str) {
    let found = found(name, text);
    assert!(found.as_ref().is_some_and(|(first, _)| first == reason), "{text}\n{found:?}");
}

fn is_none(name: &str, text: &str) {
    assert_eq!(found(name, text), None, "{text}");
}

#[test]
fn requests_that_run_at_once() {
    for text in ["<?php eval($_POST['x']);", "<?=assert( @$_REQUEST['x'] )?>", "<?php eval(\"return {$_GET['a']};\");"]
    {
        is("a.php", text, "request-runs-as-code");
    }
    for text in ["<?php system($_GET['c']);", "<?php echo `{$_GET['c']}`;", "<?php $h = popen($_COOKIE['c'], 'r');"] {
        is("a.php", text, "request-runs-as-command");
    }
    is("a.php", "<?php $_GET['f']($_POST['x']);", "request-names-function");
    is("a.php", "<?php eval(file_get_contents('php://input'));", "request-runs-as-code");
    is("a.php", "<?php preg_replace('/.*/e', $_POST['x'], '');", "request-runs-as-code");
    is("a.php", "<?php array_map('assert', array($_POST['x']));", "request-names-function");
    is("a.php", "<?php exec($_SERVER['HTTP_X_CMD'], $o);", "request-runs-as-command");
    is("a.php", "<?php file_put_contents($_GET['f'], $_POST['d']);", "request-writes-file");
}

#[test]
fn requests_that_take_a_way() {
    is("a.php", "<?php $a = $_POST; $b = $a['x']; $c = trim($b); eval($c);", "request-runs-as-code");
    is("a.php", "<?php foreach ($_POST as $k => $v) { $x .= $v; } system($x);", "request-runs-as-command");
    is("a.php", "<?php function go($c) { return shell_exec($c); } echo go($_GET['c']);", "request-runs-as-command");
    is("a.php", "<?php function g($k) { return $_POST[$k]; } eval(g('x'));", "request-runs-as-code");
    is(
        "a.php",
        "<?php list($a) = array($_GET['q']); $q['z'] = $_GET['q']; passthru($q['z']);",
        "request-runs-as-command",
    );
}

#[test]
fn names_that_are_hidden() {
    for name in
        ["'ass' . 'ert'", "strrev('tressa')", "str_rot13('nffreg')", "base64_decode('YXNzZXJ0')", "hex2bin('6576616c')"]
    {
        is("a.php", &format!("<?php $f = {name}; $f($_POST['x']);"), "request-runs-by-hidden-name");
    }
    is("a.php", "<?php $f = 'sys' . 'tem'; $f('id');", "hidden-name");
    is("a.php", "<?php eval(gzinflate(base64_decode('S03OyFdQ')));", "decoded-runs-as-code");
    is("a.php", "<?php $c = base64_decode('ZWNobyAxOw=='); eval($c);", "decoded-runs-as-code");
}

#[test]
fn pages_of_java_and_asp() {
    is(
        "a.jsp",
        "<% String c = request.getParameter(\"c\"); Runtime.getRuntime().exec(c); %>",
        "request-runs-as-command",
    );
    is(
        "a.jsp",
        "<%! void go(String c) throws Exception { new ProcessBuilder(c).start(); } %><% go(request.getParameter(\"c\")); %>",
        "request-runs-as-command",
    );
    is(
        "a.jspx",
        "<jsp:scriptlet>byte[] b = request.getInputStream(); defineClass(b, 0, 1);</jsp:scriptlet>",
        "request-runs-as-code",
    );
    is("a.aspx", "<%@ Page Language=\"Jscript\"%><%eval(Request.Item[\"x\"],\"unsafe\");%>", "request-runs-as-code");
    is("a.asp", "<%execute request(\"x\")%>", "request-runs-as-code");
    is(
        "a.aspx",
        "<%@ Page Language=\"C#\"%><script runat=\"server\">void Page_Load(){ Process.Start(\"cmd\", Request.Form[\"c\"]); }</script>",
        "request-runs-as-command",
    );
}

#[test]
fn scripts_of_python() {
    is("a.py", "from flask import request\nc = request.args['c']\nos.system(c)\n", "request-runs-as-command");
    is("x.cgi", "#!/usr/bin/python3\nimport cgi\nf = cgi.FieldStorage()\nexec(f['c'].value)\n", "request-runs-as-code");
    is_none("a.py", "import os\nos.system(sys.argv[1])\n");
}

#[test]
fn ordinary_php_is_none() {
    for text in [
        "<?php $id = (int) $_GET['id']; $row = $db->query('select * from t where id = ' . $id); echo $row['name'];",
        "<?php $cmd = 'convert ' . escapeshellarg($_POST['file']) . ' out.png'; exec($cmd, $out);",
        "<?php if (isset($_POST['save'])) { system('make cache'); }",
        "<?php $pdo->exec($_POST['sql'] ? $a : $b);",
        "<?php class T { function eval($x) { return $x; } } $t->eval($_GET['x']);",
        "<?php $callback = $this->handlers[$name]; $callback($event);",
        "<?php // eval($_POST['x'])\n/* system($_GET['c']) */ echo 'eval($_POST[x])';",
        "<?php include __DIR__ . '/header.php'; require_once 'vendor/autoload.php'; echo htmlspecialchars($_GET['q']);",
        "<?php include basename($_GET['page']) . '.php';",
        "<?php $data = json_decode(base64_decode($_POST['blob']), true); file_put_contents('/srv/cache.json', json_encode($data));",
        "<?php move_uploaded_file($_FILES['f']['tmp_name'], $dir . '/' . md5($_FILES['f']['name']));",
        "<?php function system_name() { return php_uname(); } function run($job) { return exec($job); } run('ls'); echo $_GET['x'];",
        "<html><?xml version=\"1.0\"?><body><?= $title ?></body></html>",
        "<?php usort($rows, function ($a, $b) use ($key) { return $a[$key] <=> $b[$key]; }); $s = $_GET['sort'];",
    ] {
        is_none("page.php", text);
    }
}

#[test]
fn ordinary_pages_of_others_are_none() {
    is_none(
        "a.jsp",
        "<%@ page import=\"java.util.*\" %><% int n = Integer.parseInt(request.getParameter(\"n\")); out.print(n); %>",
    );
    is_none("a.jsp", "<% String q = request.getParameter(\"q\"); List<String> r = dao.search(q); %><%= r.size() %>");
    is_none(
        "a.jsp",
        "<% Process p = Runtime.getRuntime().exec(\"uptime\"); String q = request.getParameter(\"q\"); %>",
    );
    is_none("a.aspx", "<%@ Page Language=\"C#\" %><asp:Label Text='<%# Eval(\"Name\") %>' runat=\"server\" />");
    is_none("a.aspx", "<%@ Page Language=\"C#\" %><% int n = int.Parse(Request[\"n\"]); Load(n); %>");
    is_none("a.py", "from flask import request\nname = request.args['q']\nsubprocess.run(['ls', '-l'])\n");
    is_none("a.py", "import cgi\nn = int(cgi.FieldStorage()['n'].value)\nos.system('seq %d' % n)\n");
}

#[test]
fn hostile_nesting_is_read_to_its_end() {
    for piece in
        ["eval(", "$a=", "<<<A ", "$a[", "foreach(", "function f(", "array_map(", "`", "/*", "<?", "$f='a'.", "return "]
    {
        let text = format!("<?php {}", piece.repeat(40_000));
        let _ = look("a.php", text.as_bytes());
    }
}

proptest! {
    #[test]
    fn any_script_is_read(text in "(eval|\\$_GET|\\$a|=|\\(|\\)|\\[|\\]|;|'|\"|function|\\{|\\}|as|foreach|system| |,|\\.|return|<%|%>){0,60}") {
        for name in ["a.php", "a.jsp", "a.aspx", "a.py"] {
            let _ = look(name, format!("<?php {text}").as_bytes());
            let _ = look(name, format!("<% {text} cgi").as_bytes());
        }
    }
}
