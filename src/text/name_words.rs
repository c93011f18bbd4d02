//! The words by which names are known, and those that only look like names.

/// Surnames that begin few ordinary words.
pub(super) const SURNAMES: &str = "王李张刘陈杨赵吴周徐孙胡朱郭何林罗梁宋郑谢韩唐冯董萧肖曹袁邓许傅沈\
    彭吕苏卢蒋蔡贾丁魏薛叶阎闫潘杜戴夏钟汪姜范姚谭廖邹熊陆郝孔崔邱秦顾侯邵孟段雷汤尹黎易武乔贺赖龚\
    庞樊殷翟倪严俞章鲁葛韦申尤毕聂焦柳邢岳齐梅莫庄辛祝左涂谷祁舒耿牟卜詹凌霍翁隋植甄裘闵鄢骆柯\
    屠蒲纪屈项裴覃霍佟冉卞甘丘宁蓝阮缪颜邬欧窦";

/// Surnames that are, or begin, or end ordinary words, too: 于, 高价, 对方. They need more of a
/// sign.
pub(super) const AMBIGUOUS: &str = "方高金石江史白黄文田钱马余成程施安常单万毛康温兰关华龙池党巫路费习戚鲍伍\
    盛房古喻柴商涂景牛桑佘晏柏明麦苗阳游尚";

/// Those of them that are verbs, adverbs or prepositions: 借款人曾书面申请.
pub(super) const VERBAL: &str = "于任向时应管付曾解查代包";

pub(super) const DOUBLE_SURNAMES: [&str; 15] = [
    "欧阳", "司马", "上官", "诸葛", "皇甫", "尉迟", "公孙", "慕容", "令狐", "司徒", "夏侯", "南宫",
    "端木", "轩辕", "闻人",
];

/// Behind these stands a name.
pub(super) const ROLES: [&str; 72] = [
    "借款人",
    "共借人",
    "共同借款人",
    "贷款人",
    "客户",
    "法人",
    "法人代表",
    "法定代表人",
    "法代",
    "担保人",
    "保证人",
    "反担保人",
    "抵押人",
    "出质人",
    "申请人",
    "经营者",
    "经营人",
    "联系人",
    "配偶",
    "妻子",
    "丈夫",
    "其妻",
    "其夫",
    "老公",
    "老婆",
    "爱人",
    "儿子",
    "女儿",
    "其子",
    "其女",
    "父亲",
    "母亲",
    "其父",
    "其母",
    "岳父",
    "岳母",
    "公公",
    "婆婆",
    "哥哥",
    "弟弟",
    "姐姐",
    "妹妹",
    "其兄",
    "其弟",
    "其姐",
    "其妹",
    "女婿",
    "儿媳",
    "前妻",
    "前夫",
    "实控人",
    "实际控制人",
    "股东",
    "合伙人",
    "负责人",
    "经办人",
    "客户经理",
    "户主",
    "户名",
    "姓名",
    "房东",
    "租户",
    "承租人",
    "出租人",
    "原告",
    "被告",
    "债权人",
    "债务人",
    "被执行人",
    "亲戚",
    "朋友",
    "大股东",
];

/// Roles behind which anything is a name.
pub(super) const CERTAIN_ROLES: [&str; 2] = ["姓名", "户名"];

/// Titles of more than one character.
pub(super) const TITLES: [&str; 50] = [
    "先生",
    "女士",
    "小姐",
    "太太",
    "夫人",
    "夫妇",
    "夫妻",
    "经理",
    "总经理",
    "总监",
    "老板",
    "老板娘",
    "师傅",
    "主任",
    "厂长",
    "会计",
    "老师",
    "科长",
    "处长",
    "局长",
    "校长",
    "院长",
    "医生",
    "大夫",
    "律师",
    "法官",
    "支书",
    "书记",
    "村长",
    "董事长",
    "行长",
    "店长",
    "队长",
    "所长",
    "站长",
    "教授",
    "警官",
    "阿姨",
    "大爷",
    "大叔",
    "大妈",
    "大姐",
    "大哥",
    "大嫂",
    "叔叔",
    "老太",
    "老汉",
    "同志",
    "姑娘",
    "老头",
];

/// Titles that only persons have.
pub(super) const POLITE_TITLES: [&str; 5] = ["先生", "女士", "小姐", "夫妇", "夫妻"];

/// Titles of one character.
pub(super) const SHORT_TITLES: &str = "总姐哥嫂婶伯叔姨爷氏董";

/// What may not follow 总: 总额, 总价, 总体 are words.
pub(super) const AFTER_TOTAL: &str =
    "额价量数资体计共是部会之公办行金账店裁投收负还分人面长归算爱要";

/// Characters that end a name, and are in none.
pub(super) const ENDS: &str = "的已在因未无没不是称被从与和及也均都现系说讲按将对向由把让给还又则且但或并曾仍再\
    每其该此跟找欠各她他我你们就却才只更很太最所以而等这那";

/// Characters that mostly end a name.
pub(super) const MOSTLY_ENDS: &str = "有为于年月经家做开办去来到借贷出提持占名一两三个签住病";

/// Words that follow a name.
pub(super) const FOLLOWING: [&str; 72] = [
    "经营", "名下", "目前", "近期", "表示", "反映", "失联", "夫妇", "夫妻", "本人", "电话", "手机",
    "身份", "家庭", "家中", "个人", "担任", "从事", "因为", "借款", "贷款", "还款", "逾期", "欠款",
    "抵押", "担保", "签字", "签约", "配合", "接听", "无法", "出具", "提供", "持有", "占股", "控股",
    "涉诉", "涉案", "去世", "病故", "死亡", "离婚", "离异", "已婚", "拒绝", "拒接", "承诺", "说明",
    "介绍", "接待", "陪同", "到场", "避而", "按时", "正常", "足额", "代偿", "代为", "收入", "工作",
    "任职", "身体", "住院", "患病", "外出", "购房", "购买", "自述", "告知", "下落", "跑路", "转入",
];

/// Words of a surname and 某 that are no name: 于某公司 is "at some company".
pub(super) const NOT_AFTER_SOME: [&str; 36] = [
    "年", "月", "日", "天", "时", "处", "地", "公司", "企业", "银行", "平台", "小区", "店", "厂",
    "集团", "中介", "客户", "商", "项目", "机构", "单位", "村", "镇", "县", "市", "区", "省", "楼",
    "国", "种", "些", "个", "项", "网", "农", "品牌",
];

/// Before these, 老 and 小 belong to another word: 大小, 缩小.
pub(super) const NOT_BEFORE_LITTLE: &str = "大最较缩弱狭窄幼中微多少衰古";

/// Behind these a name may stand without more of a sign.
pub(super) const MAY_PRECEDE: &str = "与和对找向给据由是叫让跟经问询将把因为系被从的到及同请见查";

/// What the dictionary takes for names of persons, and is none here.
pub(super) const ORDINARY: &[&str] = &[
    "张家口",
    "张家港",
    "张家界",
    "王府井",
    "陆家嘴",
    "顾客",
    "周转",
    "岳父",
    "岳母",
    "岳丈",
    "叶子",
    "范畴",
    "陈述",
    "陈列",
    "陈设",
    "陈旧",
    "陈年",
    "梁山",
    "梁柱",
    "许可",
    "许诺",
    "许昌",
    "胡同",
    "胡子",
    "胡说",
    "胡闹",
    "胡椒",
    "祝贺",
    "祝福",
    "周密",
    "周旋",
    "周全",
    "周折",
    "周详",
    "周延",
    "周村",
    "周庄",
    "林立",
    "林木",
    "林子",
    "林荫",
    "林园",
    "林农",
    "秦岭",
    "杜绝",
    "杜撰",
    "张开",
    "张贴",
    "张扬",
    "张罗",
    "张望",
    "张口",
    "张嘴",
    "张北",
    "赵家",
    "李家",
    "张家",
    "刘家",
    "王家",
    "陈家",
    "徐家",
    "郑家",
    "谢家",
    "杨家",
    "朱家",
    "胡家",
    "孙家",
    "韩家",
    "王府",
    "王子",
    "王宫",
    "王朝",
    "孙子",
    "孙女",
    "孙儿",
    "李子",
    "杨树",
    "杨梅",
    "杨柳",
    "柳树",
    "梅花",
    "熊猫",
    "罗汉",
    "雷达",
    "雷雨",
    "雷同",
    "钟声",
    "钟楼",
    "谢谢",
    "柴禾",
    "孔雀",
    "庄园",
    "庄子",
    "庄主",
    "庄客",
    "段子",
    "汤圆",
    "姜汤",
    "姜汁",
    "陆军",
    "邓肯",
    "翁婿",
    "屠宰",
    "赖皮",
    "宁可",
    "宁肯",
    "宁静",
    "阎王",
    "殷勤",
    "殷实",
    "贺卡",
    "贺信",
    "植保",
    "马达",
    "苗木",
    "苗圃",
    "易燃",
    "齐全",
    "齐备",
    "左右",
    "左侧",
    "裴翠",
    "郭城",
    "吴江",
    "萧山",
    "莫名",
    "纪律",
    "项下",
];

/// Words with 老 or 小 that are no name.
pub(super) const NOT_LITTLE: [&str; 4] = ["老赖", "小段", "小米", "小宁"];

/// Before these, 张 is a measure.
pub(super) const NUMERALS: &str = "一二两三四五六七八九十百几数每这那半";

/// A word that ends so is a place of business, not a name: 陈醋坊老板.
pub(super) const SHOPS: &str = "坊店厂铺馆行场屋院楼城村镇";
