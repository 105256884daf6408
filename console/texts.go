package console

// texts are the words of the pages in one language.
type texts struct {
	Lang, Other, OtherName                             string
	Title, Earned, PerPerson, Interval, Treated        string
	Holdout, OfHoldout, NoNumber, FullReport           string
	Learned, Model, Validation, Test, Fit, Served      string
	Promoted, Shadowed, Turn, Events, Decisions        string
	Live, Person, Surface, Action, Propensity          string
	Candidates, ByModel, InHoldout, Nothing            string
	Cleaning, Rule, Seen, Changed, Dropped             string
	Refused, Reason, Source, ChartTitle, NoTurns       string
	Slate, First, Baseline, AsOf, Anytime, Showing     string
	Seconds, PolicyWord, NothingRefused, Truth, Sizing string
}

var english = texts{
	Lang: "en", Other: "zh", OtherName: "简体中文",
	Title: "What it earned", Earned: "earned against its own holdout", PerPerson: "a person", Interval: "interval", Treated: "people treated",
	Holdout: "in the holdout", OfHoldout: "of what the holdout brought", NoNumber: "No number yet", FullReport: "The whole report",
	Learned: "What each turn learned", Model: "Model", Validation: "Validation", Test: "Test", Fit: "Fit, s", Served: "in service",
	Promoted: "promoted", Shadowed: "not promoted", Turn: "Turn", Events: "events", Decisions: "decisions",
	Live: "Decisions as they are taken", Person: "Person", Surface: "Surface", Action: "Action", Propensity: "Propensity",
	Candidates: "candidates", ByModel: "by", InHoldout: "holdout", Nothing: "No decision yet: ask for /v1/recommend.",
	Cleaning: "What the cleaning rules found", Rule: "Rule", Seen: "Found", Changed: "Changed", Dropped: "Dropped",
	Refused: "Refused messages, kept to be replayed", Reason: "Reason", Source: "Source", ChartTitle: "NDCG@10 on held-out people, by turn, with 95 % intervals",
	NoTurns: "No turn yet: run bellwether turn, or wait for the schedule.", Slate: "slate", First: "drawn first", Baseline: "baseline",
	AsOf: "as of", Anytime: "valid however often it is read", Showing: "newest first", Seconds: "s", PolicyWord: "policy", NothingRefused: "Nothing was refused.",
}

var chinese = texts{
	Lang: "zh", Other: "en", OtherName: "English",
	Title: "赚了多少", Earned: "相对于自己的对照组所赚", PerPerson: "每人", Interval: "区间", Treated: "人接受处理",
	Holdout: "人在对照组", OfHoldout: "（占对照组的比例）", NoNumber: "暂无数字", FullReport: "完整报告",
	Learned: "每一轮学到了什么", Model: "模型", Validation: "验证", Test: "测试", Fit: "训练（秒）", Served: "服务中",
	Promoted: "已上线", Shadowed: "未上线", Turn: "第", Events: "个事件", Decisions: "个决策",
	Live: "实时决策", Person: "用户", Surface: "位置", Action: "动作", Propensity: "倾向概率",
	Candidates: "个候选", ByModel: "模型", InHoldout: "对照组", Nothing: "还没有决策：请调用 /v1/recommend。",
	Cleaning: "清洗规则发现了什么", Rule: "规则", Seen: "发现", Changed: "修改", Dropped: "删除",
	Refused: "被拒绝的消息（已保留，可重放）", Reason: "原因", Source: "来源", ChartTitle: "留出用户上的 NDCG@10（按轮次，95% 区间）",
	NoTurns: "还没有训练轮次：运行 bellwether turn，或等待计划任务。", Slate: "列表", First: "首位概率", Baseline: "基线",
	AsOf: "截至", Anytime: "随时查看均有效", Showing: "最新在前", Seconds: "秒", PolicyWord: "策略", NothingRefused: "没有被拒绝的消息。",
}
