//! The page: one document without anything from elsewhere. Its script finds the number and sends the form; without script
//! the reader waits and presses the button.

use base::Lang;

/// Where the form is sent: a path of our own on every site.
pub const PATH: &str = "/.garrison/challenge";

/// A page to send, with status 503 and `cache-control: no-store`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The document, UTF-8.
    pub html: String,
    /// The value of `content-security-policy`.
    pub policy: String,
}

/// SHA-256 for ASCII texts (FIPS 180-4), because `crypto.subtle` is missing on sites without TLS. Work is done in slices, so
/// that the page stays alive.
const SCRIPT: &str = r#"(function(){
var K=[],H0=[],n=2,i,c;
for(;K.length<64;n++){for(c=1,i=2;i*i<=n;i++)if(n%i===0){c=0;break}
if(c){if(H0.length<8)H0.push(Math.pow(n,1/2)*4294967296|0);K.push(Math.pow(n,1/3)*4294967296|0)}}
function first(s){var w=[],h=H0.slice(),l=s.length,i,j,t;
for(i=0;i<l;i++)w[i>>2]|=s.charCodeAt(i)<<(24-i%4*8);
w[l>>2]|=128<<(24-l%4*8);n=((l+8>>6)+1)*16;for(i=0;i<n;i++)w[i]|=0;w[n-1]=l*8;
for(j=0;j<n;j+=16){var v=w.slice(j,j+16),a=h.slice();
for(i=0;i<64;i++){if(i>15){var x=v[i-15],y=v[i-2];
v[i]=(v[i-16]+((x>>>7|x<<25)^(x>>>18|x<<14)^x>>>3)+v[i-7]+((y>>>17|y<<15)^(y>>>19|y<<13)^y>>>10))|0}
var e=a[4],b=a[0];
t=a[7]+((e>>>6|e<<26)^(e>>>11|e<<21)^(e>>>25|e<<7))+(e&a[5]^~e&a[6])+K[i]+v[i]|0;
var u=((b>>>2|b<<30)^(b>>>13|b<<19)^(b>>>22|b<<10))+(b&a[1]^b&a[2]^a[1]&a[2])|0;
a=[t+u|0,b,a[1],a[2],a[3]+t|0,e,a[5],a[6]]}
for(i=0;i<8;i++)h[i]=h[i]+a[i]|0}
return h[0]>>>0}
var form=document.getElementById('work'),token=form.token.value,bits=+form.getAttribute('data-bits'),at=0;
form.hidden=false;
function slice(){var end=at+4000;
for(;at<end;at++){if(bits===0||first(token+':'+at)>>>(32-bits)===0){form.number.value=at;form.submit();return}}
setTimeout(slice,0)}
slice()})();"#;

const STYLE: &str = "body{font:16px/1.6 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;color:#222;\
background:#fafafa}h1{font-size:1.3rem}button{font:inherit;padding:.4rem 1.2rem}@media(prefers-color-scheme:dark){\
body{background:#181818;color:#ddd}}";

/// The page for these tokens (work and wait), in the reader's language with the other one below.
pub fn page(lang: Lang, work: &str, bits: u8, wait: &str, wait_s: u32, back: &str) -> Page {
    // Letters of the token's signature: fresh with every page, and not to be guessed.
    let nonce = &work[work.len().saturating_sub(22)..];
    let back = escape(back);
    let text = |en: &str, zh: &str| match lang {
        Lang::En => format!("<p>{en}</p><p lang=\"zh\">{zh}</p>"),
        Lang::Zh => format!("<p>{zh}</p><p lang=\"en\">{en}</p>"),
    };
    let code = lang.pick("en", "zh");
    let title = lang.pick("One moment, please", "请稍候");
    let busy = text(
        "This site is very busy. Your browser is doing a short calculation to show that a person is waiting; the page goes on by itself.",
        "本站访问量很大。您的浏览器正在进行一次简短计算以证明有人在等待，完成后页面会自动继续。",
    );
    let plain = text(
        &format!("Script is switched off. Please wait {wait_s} seconds, then press the button."),
        &format!("浏览器已关闭脚本。请等待 {wait_s} 秒，然后点击按钮。"),
    );
    let button = lang.pick("Continue · 继续", "继续 · Continue");
    let html = format!(
        "<!doctype html><html lang=\"{code}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<meta name=\"robots\" content=\"noindex\"><title>{title}</title><style nonce=\"{nonce}\">{STYLE}</style></head><body><h1>{title}</h1>\
<form id=\"work\" method=\"post\" action=\"{PATH}\" data-bits=\"{bits}\" hidden>{busy}\
<input type=\"hidden\" name=\"token\" value=\"{work}\"><input type=\"hidden\" name=\"number\">\
<input type=\"hidden\" name=\"back\" value=\"{back}\"></form>\
<noscript><form method=\"post\" action=\"{PATH}\">{plain}<input type=\"hidden\" name=\"token\" value=\"{wait}\">\
<input type=\"hidden\" name=\"back\" value=\"{back}\"><button>{button}</button></form></noscript>\
<script nonce=\"{nonce}\">{SCRIPT}</script></body></html>\n"
    );
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    Page { html, policy }
}

/// Text for an attribute in quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::{Binding, Kind, Signer};
    use super::*;
    use base::SeededRandom;
    use std::process::Command;

    #[test]
    fn the_page_stands_alone_and_escapes_what_it_is_given() {
        let page =
            page(Lang::Zh, "dG9rZW4tdG9rZW4tdG9rZW4tdG9rZW4", 12, "d2FpdA", 8, "/a?\"><script>alert(1)</script>");
        assert!(page.html.contains("<html lang=\"zh\">") && page.html.contains("value=\"/a?&quot;&gt;&lt;script&gt;"));
        assert!(!page.html.contains("http:") && !page.html.contains("https:") && !page.html.contains("src="));
        assert!(page.html.contains("请等待 8 秒") && page.html.contains("wait 8 seconds"));
        assert!(page.policy.starts_with("default-src 'none'; script-src 'nonce-"));
        assert!(page.html.len() < 6000, "{}", page.html.len());
    }

    /// Runs the script with a document of three fields, as a browser would.
    #[test]
    fn the_script_finds_what_the_signer_takes() {
        let who = Binding { site: "s", client: [192, 0, 2, 1].into(), fingerprint: "f" };
        let signer = Signer::new(&[7; 32]);
        for seed in 0..3 {
            let token = signer.challenge(&who, Kind::Work, 12, 100, &SeededRandom::new(seed));
            let document = format!(
                "const form={{token:{{value:'{token}'}},number:{{}},getAttribute:()=>'12',submit(){{console.log(form.number.value)}}}};\
                 const document={{getElementById:()=>form}};{SCRIPT}"
            );
            let Ok(ran) = Command::new("node").args(["-e", &document]).output() else {
                eprintln!("skipped: node is not installed");
                return;
            };
            let number = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
            let told = String::from_utf8_lossy(&ran.stderr);
            assert!(signer.solved(&who, &token, &number, 8, 101).is_ok(), "{number} {told}");
            assert_eq!(number, super::super::token::solve(&token, 12).to_string());
        }
    }
}
