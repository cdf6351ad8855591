#!/usr/bin/env bash
# Ordinary work of a host, compressed: what people, cron, package managers and pipelines do all day.
# Everything happens in the directory of this file and in namespaces of its own; nothing of the host is changed and
# nothing is asked for outside of loopback. A part whose tool is missing is named and left out.
set -euo pipefail
cd "$(dirname "$0")"
base=$PWD
export HOME=$base/home LC_ALL=C.UTF-8 TMPDIR=$base/tmp
mkdir -p home tmp

declare -A missed
has() { # has TOOL…: whether all are there; says once what is left out
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null && continue
    [ -n "${missed[$tool]:-}" ] || echo "  left out for want of $tool: a part of ${FUNCNAME[1]}"
    missed[$tool]=1
    return 1
  done
}

packages() { # build, look into, install below a root of its own, upgrade and remove
  has dpkg-deb dpkg || return 0
  local version
  for version in 1.0 1.1; do
    mkdir -p "pkg/tool-$version"/{DEBIAN,usr/bin,etc/tool,usr/share/doc/tool,usr/lib/systemd/system}
    printf 'Package: tool\nVersion: %s\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: a tool\n' $version \
      >"pkg/tool-$version/DEBIAN/control"
    printf '#!/bin/sh\nset -e\nmkdir -p "$DPKG_ROOT/var/lib/tool"\nchmod 750 "$DPKG_ROOT/var/lib/tool"\n' >"pkg/tool-$version/DEBIAN/postinst"
    printf '#!/bin/sh\nset -e\nrm -rf "$DPKG_ROOT/var/lib/tool"\n' >"pkg/tool-$version/DEBIAN/postrm"
    chmod 755 "pkg/tool-$version"/DEBIAN/post*
    printf '#!/bin/sh\necho %s\n' $version >"pkg/tool-$version/usr/bin/tool"
    chmod 755 "pkg/tool-$version/usr/bin/tool"
    echo "level = 1" >"pkg/tool-$version/etc/tool/tool.conf"
    echo /etc/tool/tool.conf >"pkg/tool-$version/DEBIAN/conffiles"
    printf '[Service]\nExecStart=/usr/bin/tool\n' >"pkg/tool-$version/usr/lib/systemd/system/tool.service"
    dpkg-deb --root-owner-group -b "pkg/tool-$version" "pkg/tool_$version.deb" >/dev/null
    dpkg-deb -I "pkg/tool_$version.deb" >/dev/null
    dpkg-deb -x "pkg/tool_$version.deb" "pkg/unpacked-$version"
  done
  mkdir -p root/var/lib/dpkg/{info,updates} root/etc
  touch root/var/lib/dpkg/{status,available}
  for version in 1.0 1.1; do
    dpkg --root="$base/root" --force-not-root --force-script-chrootless --log="$base/dpkg.log" -i "pkg/tool_$version.deb" >/dev/null
  done
  dpkg --root="$base/root" --log="$base/dpkg.log" --force-script-chrootless -r tool >/dev/null
  dpkg-query -W -f '${Package} ${Version}\n' | sort | tail -n 3 >/dev/null
  dpkg -S /bin/true >/dev/null || true
  has apt-get || return 0
  apt-get -s install hello >/dev/null 2>&1 || true
  apt-cache policy bash >/dev/null
}

compile() { # a project in C with a configure script, make, tests and an installation below a directory
  has gcc make ar || return 0
  mkdir -p c/src
  printf '#!/bin/sh\nset -e\nfor tool in cc ar sed; do command -v $tool >/dev/null; done\necho "int main(void){return 0;}" >conftest.c\ncc -o conftest conftest.c\n./conftest\nrm -f conftest conftest.c\nuname -s >config.log\n' >c/configure
  chmod +x c/configure
  local part
  for part in a b c d e f; do echo "int $part(int x){return x+1;}" >"c/src/$part.c"; done
  echo 'int a(int);int main(void){return a(-1);}' >c/src/main.c
  printf 'objects = $(patsubst %%.c,%%.o,$(wildcard src/*.c))\nall: app libapp.a\napp: $(objects)\n\tcc -o $@ $^\nlibapp.a: src/a.o src/b.o\n\tar rcs $@ $^\ncheck: app\n\t./app\ninstall: all\n\tinstall -D -m 755 app $(DESTDIR)/usr/bin/app\n\tinstall -D -m 644 libapp.a $(DESTDIR)/usr/lib/libapp.a\nclean:\n\trm -f app libapp.a src/*.o\n' >c/Makefile
  (cd c && ./configure && make -s -j2 && make -s check && make -s DESTDIR="$base/stage" install && strip app && ldd app >/dev/null && make -s clean)
}

python() { # a virtual environment, tests, a package built by hand, a one-liner
  has python3 || return 0
  python3 -m venv --without-pip venv
  mkdir -p py/shop
  printf 'def add(a, b):\n    return a + b\n' >py/shop/__init__.py
  printf 'import unittest, shop\nclass T(unittest.TestCase):\n    def test(self):\n        self.assertEqual(shop.add(1, 2), 3)\n' >py/test_shop.py
  (cd py && ../venv/bin/python -m unittest -q test_shop 2>/dev/null && ../venv/bin/python -m compileall -q shop)
  python3 -c 'import json,subprocess; print(json.dumps(subprocess.run(["uname","-r"],capture_output=True,text=True).stdout))' >/dev/null
  python3 - <<'PY' >/dev/null
import base64, hashlib, sqlite3, tarfile, urllib.parse
base = sqlite3.connect("shop.db")
base.execute("create table if not exists item (name text, price real)")
base.executemany("insert into item values (?, ?)", [("a", 1.0), ("b", 2.0)])
base.commit()
print(hashlib.sha256(base64.b64encode(b"x")).hexdigest(), urllib.parse.quote("a b"))
PY
}

script_languages() { # node, perl, awk, jq as builds use them
  if has node; then
    printf 'const { execFileSync } = require("child_process");\nconsole.log(execFileSync("uname", ["-m"]).toString().trim());\n' >build.js
    node build.js >/dev/null
    node -p process.version >/dev/null
  fi
  perl -ne 'print if /a/' ordinary.sh | awk '{ n += length($0) } END { print n }' >/dev/null
  if has jq; then echo '{"a":[1,2]}' | jq '.a | add' >/dev/null; fi
}

repository() { # git: commits, branches, hooks, clone, archive
  has git || return 0
  git init -q -b main repo
  (
    cd repo
    git config user.email a@example.org
    git config user.name a
    printf '#!/bin/sh\ngrep -rn password . >/dev/null || true\n' >.git/hooks/pre-commit
    chmod +x .git/hooks/pre-commit
    local turn
    for turn in 1 2 3; do
      echo "$turn" >>notes.txt
      git add notes.txt
      git commit -q -m "turn $turn"
    done
    git checkout -q -b feature
    echo f >feature.txt
    git add feature.txt
    git commit -q -m feature
    git checkout -q main
    git merge -q --no-ff -m merge feature
    git log --oneline -n 3 >/dev/null
    git archive -o ../repo.tar HEAD
    git gc -q
  )
  git clone -q repo clone
  git -C clone status -s >/dev/null
}

backups() { # archives, digests, copies, restore, old ones thrown away
  mkdir -p backup data/docs
  local number
  for number in 1 2 3 4 5 6 7 8; do echo "document $number" >"data/docs/$number.txt"; done
  tar czf backup/data.tgz data
  tar tzf backup/data.tgz >/dev/null
  (cd backup && sha256sum data.tgz >SHA256SUMS && sha256sum -c --quiet SHA256SUMS)
  mkdir restore
  tar xzf backup/data.tgz -C restore
  diff -r data restore/data
  cp -a data backup/copy
  find backup -type f -name '*.tgz' -mtime +30 -delete
  gzip -k backup/copy/docs/1.txt
  zcat backup/copy/docs/1.txt.gz >/dev/null
  if has xz; then tar cJf backup/data.txz data; fi
  if has zip; then zip -qr backup/data.zip data; fi
  if has rsync; then rsync -a --delete data/ backup/rsync/; fi
  if has sqlite3 && [ -e shop.db ]; then sqlite3 shop.db .dump >backup/shop.sql; fi
  dd if=/dev/zero of=disk.img bs=1M count=4 status=none
  if has mkfs.ext4; then mkfs.ext4 -q disk.img; fi
}

logs() { # rotation by hand and by logrotate
  mkdir -p log
  local turn
  for turn in 1 2 3; do
    for line in a b c d; do echo "$(date +%FT%T) app[$turn]: $line" >>log/app.log; done
    mv log/app.log "log/app.log.$turn"
    : >log/app.log
    chmod 640 log/app.log
    gzip -f "log/app.log.$turn"
  done
  find log -name '*.gz' | sort | sed -n 1p | xargs rm -f
  grep -c app log/app.log >/dev/null || true
  if has logrotate; then
    printf '%s/log/*.log {\n  rotate 3\n  size 1\n  missingok\n  copytruncate\n}\n' "$base" >logrotate.conf
    chmod 644 logrotate.conf
    echo line >>log/app.log
    logrotate -s "$base/logrotate.state" logrotate.conf
  fi
}

jobs_of_cron() { # what cron starts, as cron starts it
  mkdir -p cron.daily
  printf '#!/bin/sh\nfind "%s/tmp" -type f -mtime +7 -delete\n' "$base" >cron.daily/clean
  printf '#!/bin/sh\ndf -P / >/dev/null\nfree >/dev/null 2>&1 || true\n' >cron.daily/report
  chmod +x cron.daily/*
  if has run-parts; then run-parts --report cron.daily; fi
  sh -c 'cd / && test -x /usr/sbin/anacron || true'
  sh -c "[ -d /run/systemd/system ] || true; nice -n 10 sh -c 'du -s $base >/dev/null'"
}

keys() { # keys and certificates of tests
  if has ssh-keygen; then
    mkdir -p home/.ssh
    chmod 700 home/.ssh
    ssh-keygen -q -t ed25519 -N '' -f home/.ssh/id_ed25519
    ssh-keygen -l -f home/.ssh/id_ed25519.pub >/dev/null
    awk '{ print "web1 " $1 " " $2 }' home/.ssh/id_ed25519.pub >home/.ssh/known_hosts
    ssh-keygen -R web1 -f home/.ssh/known_hosts >/dev/null 2>&1
  fi
  has openssl || return 0
  openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -days 1 2>/dev/null
  openssl x509 -in cert.pem -noout -enddate >/dev/null
  openssl dgst -sha256 cert.pem >/dev/null
  openssl rand -hex 16 >/dev/null
}

service() { # a small server on loopback, asked, watched and stopped
  has python3 curl || return 0
  mkdir -p site
  echo hello >site/index.html
  [ ! -e backup/data.tgz ] || cp backup/data.tgz site/
  python3 -u -c 'import http.server as h,sys; s=h.ThreadingHTTPServer(("127.0.0.1",0),h.SimpleHTTPRequestHandler); print(s.server_port,flush=True); s.serve_forever()' \
    >port 2>server.log &
  local server=$! turn port
  for ((turn = 0; turn < 200; turn++)); do [ -s port ] && break; sleep 0.05; done
  port=$(cat port)
  for turn in 1 2 3 4 5; do curl -fsS "http://127.0.0.1:$port/site/" >/dev/null; done
  curl -fsS -o fetched.tgz "http://127.0.0.1:$port/site/data.tgz" && tar tzf fetched.tgz >/dev/null
  if has wget; then wget -q -O - "http://127.0.0.1:$port/site/" >/dev/null; fi
  if has ss; then ss -tln >/dev/null; fi
  pgrep -f ThreadingHTTPServer >/dev/null
  kill $server
  wait $server 2>/dev/null || true
}

operator() { # what somebody looks at who looks after a host
  local command
  for command in 'ps aux' 'ps -ef --forest' 'top -b -n1' 'free -m' 'df -h' "du -sh $base" 'uptime' 'w' 'who' 'id' 'whoami' 'uname -a' \
    'hostname' 'lsblk' 'mount' 'ip -br a' 'ip route' 'ss -tlnp' 'lscpu' 'vmstat' 'last -n 5' 'getent passwd root' 'getent group sudo' \
    'env' 'date' 'cat /etc/os-release' 'cat /proc/cpuinfo' 'cat /proc/meminfo' 'dmesg' 'journalctl -n 5 --no-pager' 'systemctl --failed' \
    'systemctl list-timers' 'crontab -l' 'ls -la /etc' 'ls -la /var/log' 'sysctl net.ipv4.ip_forward' 'lsmod' 'locale' 'timedatectl' \
    'find /etc/apt -name *.list' 'grep -rn deb /etc/apt' 'cat /etc/hosts' 'stat /etc/passwd' 'file /bin/ls' 'which python3' 'man -w ls' \
    'passwd -S root' 'lsof -p 1' 'sudo -n true' 'apt list --installed' 'netstat -tln' 'dig +short localhost' 'ping -c1 -W1 127.0.0.1'; do
    # Not every host has every tool; what is missing is ordinary too.
    bash -c "$command" >/dev/null 2>&1 </dev/null || true
  done
}

editing() { # files edited, moved, linked and thrown away
  mkdir -p conf
  printf 'port = 80\nname = shop\n' >conf/shop.conf
  sed -i 's/80/8080/' conf/shop.conf
  perl -pi -e 's/shop/store/' conf/shop.conf
  cp conf/shop.conf conf/shop.conf.bak
  echo 'debug = false' | tee -a conf/shop.conf >/dev/null
  diff -u conf/shop.conf.bak conf/shop.conf >conf/change.patch || true
  (cd conf && patch -s -R shop.conf <change.patch 2>/dev/null) || true
  ln -sf shop.conf conf/current.conf
  chmod 600 conf/shop.conf
  chown root:root conf/shop.conf
  mv conf/shop.conf.bak conf/old.conf
  seq 1 3000 >lines.txt
  split -l 1000 lines.txt part.
  sort -rn lines.txt | uniq | wc -l >/dev/null
  find conf -type f -exec chmod 644 {} +
  find . -maxdepth 2 -name '*.conf' -print0 | xargs -0 grep -l port >/dev/null
  truncate -s 1M sparse
  touch stamp
  mkdir -p share && chmod 2775 share
}

containers() { # namespaces and roots as engines make them
  has unshare || return 0
  unshare --mount --pid --fork --mount-proc sh -c 'ps >/dev/null'
  unshare --net --uts sh -c 'hostname box; ip link set lo up 2>/dev/null || true'
  if has busybox; then
    mkdir -p box/{bin,proc,etc}
    cp "$(command -v busybox)" box/bin/busybox
    ln -sf busybox box/bin/sh
    printf 'root:x:0:0::/:/bin/sh\n' >box/etc/passwd
    unshare --mount --pid --fork chroot box /bin/busybox sh -c 'busybox ls / >/dev/null; busybox id >/dev/null' 2>/dev/null || true
  fi
}

pipeline() { # steps of continuous integration, as runners start them
  mkdir -p ci
  printf 'set -x\necho build\ntest -d src || mkdir src\nexport VERSION=1.2.3\nprintf "%%s\\n" "$VERSION" >version\n' >ci/1.sh
  printf 'for check in a b c; do echo "$check ok"; done\ntar czf artifact.tgz version src\nsha256sum artifact.tgz >artifact.sum\n' >ci/2.sh
  local step
  for step in ci/1.sh ci/2.sh; do (cd ci && bash --noprofile --norc -e -o pipefail "../$step" >/dev/null 2>&1); done
  bash -c 'set -euo pipefail; dir=$(mktemp -d); trap "rm -rf $dir" EXIT; cp -r /etc/skel "$dir/"; ls "$dir" >/dev/null'
  sh -c '( umask 77 && mkdir -p "` echo $HOME/.ansible/tmp `" && mkdir "` echo $HOME/.ansible/tmp/ansible-tmp-1 `" ) && sleep 0'
  bash -c 'for i in 1 2 3; do true && break; sleep 1; done'
  timeout 5 bash -c 'until [ -e ci/version ]; do sleep 0.1; done'
}

accounts() { # an operator adds a colleague, in an /etc of their own
  has unshare useradd || return 0
  mkdir -p etc
  cp -a /etc/passwd /etc/group /etc/login.defs /etc/default etc/ 2>/dev/null || true
  cp -a /etc/nsswitch.conf /etc/pam.d /etc/pam.conf /etc/security /etc/ld.so.cache etc/ 2>/dev/null || true
  printf 'root:*:19000:0:99999:7:::\n' >etc/shadow
  printf 'root:*::\n' >etc/gshadow
  unshare --mount sh -c "mount --bind $base/etc /etc && useradd -M colleague && chage -l colleague >/dev/null && getent passwd colleague >/dev/null"
}

rounds=${1:-3}
parts=(packages compile python script_languages repository backups logs jobs_of_cron keys service operator editing containers pipeline)
for ((round = 1; round <= rounds; round++)); do
  for part in "${parts[@]}"; do
    begun=$SECONDS
    $part
    [ $((SECONDS - begun)) -lt 20 ] || echo "  $part: $((SECONDS - begun)) s"
  done
  [ $round -gt 1 ] || accounts
  # The end of a day: what was made is thrown away.
  find "$base" -mindepth 1 -maxdepth 1 ! -name ordinary.sh -exec rm -rf {} +
  mkdir -p home tmp
done
