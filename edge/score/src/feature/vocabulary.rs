//! Words that tell what a value is about, in groups. A word counts in the first group that lists it.

/// A group and its words, separated by white space.
pub(super) const GROUPS: &[(&str, &str)] = &[
    (
        "word_sql_statement",
        "select insert update delete drop alter create truncate exec execute declare replace merge grant revoke call
         handler shutdown describe explain rename",
    ),
    (
        "word_sql_clause",
        "from where union having limit order group by into values join using offset returning procedure outfile dumpfile
         intersect except distinct all any top fetch collate escape analyse",
    ),
    (
        "word_sql_logic",
        "and or not xor like rlike regexp between in is null exists case when then else end div mod true false as",
    ),
    (
        "word_sql_function",
        "sleep benchmark pg_sleep waitfor delay concat concat_ws group_concat substring substr mid ascii chr ord unhex
         cast convert extractvalue updatexml load_file current_user system_user session_user iif ifnull nullif coalesce
         make_set elt row_count xmltype json_extract json_depth json_keys json_array randomblob generate_series dbms_pipe
         receive_message dbms_lock dbms_utility utl_inaddr utl_http sqlid_to_sqlhash ctxsys xp_cmdshell xp_dirtree
         sp_executesql sp_oacreate sp_password openrowset opendatasource regexp_substring crypt_key zeroblob char_length
         bit_length string_agg array_to_string query_to_xml greatest least rtrim ltrim hex char count floor rand md5 sha1
         version database user schema upper lower length left right repeat reverse power bin",
    ),
    (
        "word_sql_schema",
        "information_schema sysobjects syscolumns sysusers sysdatabases sysibm systables sysmaster master dual pg_catalog
         pg_class pg_user sqlite_master msysobjects tables columns table_name column_name schema_name table_schema
         all_tables user_tables all_users rdb$fields rdb$types rdb$database domain varchar varchar2 nvarchar varbinary
         nchar signed unsigned numeric boolean integer table column",
    ),
    (
        "word_command",
        "whoami uname wget curl netcat ncat nslookup ifconfig ipconfig powershell certutil bitsadmin mshta rundll32 wmic
         systeminfo cmd chmod chown passwd shadow crontab xargs netstat tasklist bash zsh ksh busybox telnet tftp ping
         traceroute sudo useradd adduser mkfifo tcpdump",
    ),
    (
        "word_command_weak",
        "cat ls id nc sh dash dig echo printf rm mv cp tail head more less tac env export python perl ruby awk sed grep
         find tee touch kill ps ip route ssh ftp su type dir copy del net reg sort uniq which base64 tr cut rev nl od",
    ),
    (
        "word_script",
        "alert prompt confirm document cookie innerhtml outerhtml fromcharcode settimeout setinterval xmlhttprequest atob
         btoa unescape decodeuri decodeuricomponent srcdoc srcset expression constructor prototype __proto__ onerror onload
         onmouseover onclick onfocus autofocus writeln domain localstorage javascript vbscript livescript",
    ),
    ("word_script_weak", "script function window location write eval console fetch import return var let const this new throw"),
    (
        "word_html",
        "img svg iframe body input video audio object embed link meta style form details textarea button base frame
         frameset applet isindex layer bgsound xss math formaction xlink srcdoc marquee",
    ),
    (
        "word_php",
        "phpinfo system passthru shell_exec proc_open popen assert preg_replace base64_decode file_get_contents
         file_put_contents include include_once require require_once fopen fwrite fsockopen gzinflate str_rot13
         create_function call_user_func array_map _get _post _request _cookie _server globals $_get $_post $_request
         $_cookie $_server print_r var_dump php ini_set move_uploaded_file unserialize allow_url_include",
    ),
    (
        "word_java",
        "runtime getruntime processbuilder java javax classloader forname getclass newinstance invoke ognl struts
         memberaccess springframework beanfactory scriptenginemanager jndi ldap ldaps rmi iiop corba lower upper env
         fastjson autotype jdbcrowsetimpl",
    ),
    (
        "word_template",
        "__class__ __mro__ __subclasses__ __globals__ __builtins__ __import__ __init__ self config lipsum cycler freemarker
         smarty twig velocity os subprocess getattr popitem attr",
    ),
    (
        "word_file",
        "etc hosts proc environ cmdline ini win boot system32 windows winnt web inf wp htaccess htpasswd id_rsa
         bash_history authorized_keys logs access error_log fd issue motd sam inetpub wwwroot autoexec",
    ),
    ("word_scheme", "http https ftp file php gopher dict data expect phar zip glob jar netdoc view sftp tcp udp smb"),
    ("word_operator", "$gt $lt $ne $gte $lte $in $nin $where $regex $exists $or $and $eq $expr $function"),
    ("word_directory", "objectclass objectcategory samaccountname userpassword uid cn dn ou dc mail givenname memberof"),
    ("word_xml", "entity doctype xinclude xsl stylesheet attlist notation dtd sysid pubid"),
    ("word_header", "bcc rcpt mime refresh httponly samesite x_forwarded_for transfer"),
];
