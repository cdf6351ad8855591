"""Everyday words for the generators of benign values."""

FIRST = """Anna Ben Carla David Elena Femi Grace Hugo Ines Jakob Karim Lena Mateo Nadia Olga Pedro Quinn Rosa Samir Tara Uma
Victor Wendy Ximena Yusuf Zoe José Zoë François Łukasz Søren Müge Wei Min Jun Hiroshi Aiko Priya Ravi Fatima""".split()
LAST = """Smith García Müller Rossi Novak Silva Kim Chen Wang Li Zhang Okafor Hansen Dubois Kowalski Ivanova Haddad Reilly
Neil Brien Connor Angelo Souza Amico Arcy Leary Tanaka Suzuki Patel Singh Nguyen Jensen Lindqvist Union Grant Case Drop
Null True Table Key Order Field Marks Banks Price Love""".split()
CITIES = """Springfield Lyon Porto Kraków Malmö Valencia Graz Leeds Osaka Accra Lima Quito Perth Hanoi Pune L'Hospitalet
Coeur-d'Alene Saint-Denis Frankfurt(Oder) Stratford-upon-Avon Xi'an""".split()
STREETS = """Main Oak Maple Church Station Union Market King's Queen's Park River Mill Hill Garden Rosen Linden Goethe Mayor
Neptuno Arlanza Zaragoza d'Hiver Martin's Bank Order Table""".split()
NOUNS = """account address album answer apple article bag balance bank basket bed bill bird boat book bottle box branch bread
bridge browser button cable cake calendar camera card case cat chair chapter city class clock cloud coat coffee column
comment company contract cookie copy country course cup database date day delay desk document dog door dress drive echo
engine event evening exam field file film flower folder form frame friend function garden gift glass grant group guide hand
handle hat head heart hotel hour house id image index insurance island item jacket job join key kitchen label lamp language
law leaf letter level light limit line link list lock lunch machine map market match meeting member menu message method mind
model money month mouse music name night node note notice number object office offer option order page paper parent park
part party password pencil person phone photo picture place plan plate point port post price procedure process product
profile project property query question radio rain range record region report request result review ring river road role
room row rule sale sample schema school score screen script season section select server session shell ship shirt shoe shop
sleep song source space star station step store story street string student style subject summer system table tag task team
test text theme ticket time title top trail train tree trigger trip type union update user value version video view village
wall watch water week where wheel wind window wine winter word work world year zone""".split()
VERBS = """accept add alter apply ask begin bring build buy call cancel cast change check choose clean close collect combine
compare confirm connect convert copy count create cut declare delete deliver describe draw drive drop echo edit exec execute
explain export fetch find finish follow get give grab grant group handle have help hold import include insert join keep kill
know learn leave like limit load lock look make merge move need open order paint pay pick pin ping place play post prefer
print prompt push put read remove rename repair replace require reset return revoke run save search see select sell send set
share show sleep sort split start stop take tell test touch try union update use wait walk want write""".split()
ADJECTIVES = """able alive best big black blue bright busy calm cheap clean clear cold common cool dark deep different distinct
dry early easy empty equal exact false fast final fine flat free fresh full good great green happy hard heavy high hot huge
ideal in-stock inner kind large last late left light local long loud low lucky main major mixed modern narrow new nice null
odd off-white old open outer pale plain poor possible pretty private proper public pure quick quiet random rare raw ready
real red rich right rough round safe sharp short silent simple slow small smooth soft solid special strong super sweet tall
thick thin tiny true unique used useful valid warm weak wet white wide wild wise wrong young""".split()
TECHNICAL = """java javascript python sql mysql oracle postgres linux bash shell curl wget cron nginx docker http json xml html
css php ruby rust golang excel word pdf usb wifi gps led cpu gpu ssd ram api url cookie script iframe onload select union
count substring version user admin root etc bin tmp alert document window system echo ping teapot lantern violin marathon
passport mortgage recipe gearbox asteroid orchid carburetor lasagna saxophone glacier sandals yoga podcast origami keyboard
monitor router printer tablet headphones espresso tractor greenhouse kayak telescope microscope thermostat""".split()
IDENTIFIERS = """id user name title page offset sort filter q query search lang locale token state code redirect next return
type category tag status date from to start end min max price color size quantity order group count total amount email phone
address city country zip first last message body content subject comment rating score file path format callback session
device platform version build channel campaign source medium utm ref referrer action event label value data payload items
fields include select where limit cursor node edge parent child index key table column row schema config option mode view""".split()
OTHERS = """señor niño corazón mañana l'été aujourd'hui c'est où déjà garçon über straße grün schön größe città perché è l'acqua
dell'arte d'accordo não coração ação órgão då köp räksmörgås źródło książka příliš žluťoučký kůň день привет мир улица заказ
выбор γεια κόσμος שלום عالم नमस्ते こんにちは 東京 商品 検索 안녕하세요 세계 검색 việt nước hà nội sant martí l'hospitalet d'urgell
ametlla corbera guingueta pixarroda calle ronda plaza avenida alcalde binder ondara""".split()
CHINESE = """人民 中山 解放 建设 和平 南京 北京 上海 广州 深圳 杭州 成都 长江 黄河 东风 朝阳 海淀 浦东 天河 武侯 你好 谢谢 请问 我想要
购买 这件 商品 什么时候 发货 质量 很好 物流 太慢了 客服 态度 不错 价格 便宜 推荐 大家 试试 数据库 查询 语句 选择 更新 删除 插入 联合
注入 脚本 执行 命令 系统 用户 密码 登录 注册 验证码 收货地址 联系电话 备注 无 没有 如果 那么 或者 并且 不是 等于 大于 小于 今天 明天
天气 晴朗 我们 一起 学习 编程 教程 第一章 第二节 数学 公式 搜索 结果 排序 条件 列表 详情 评论 回复 点赞 收藏 分享""".split()
