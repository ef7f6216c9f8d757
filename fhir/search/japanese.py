"""What a Japanese reader takes for the same: hiragana and katakana, old and new forms of kanji.

Old forms (舊 and 旧) and those that names keep (髙 and 高) lead to the form that is taught.

Chosen by hand, not taken from a published list: the old forms of kanji in common use, as the Jōyō kanji table
(常用漢字表, 2010) prints most of them in brackets, a few others, and variants that names use. Only variants of one
character are here, never different characters of one reading: 齋 is 斎, but not 斉.
"""

_OLD = """
亞亜 惡悪 壓圧 圍囲 醫医 爲為 壹壱 隱隠 營営 榮栄 衞衛 驛駅 圓円 鹽塩 緣縁 艷艶 應応 歐欧 毆殴 櫻桜 奧奥 橫横
溫温 穩穏 假仮 價価 畫画 會会 繪絵 壞壊 懷懐 擴拡 殼殻 覺覚 學学 嶽岳 樂楽 渴渇 罐缶 卷巻 陷陥 勸勧 寬寛 關関
歡歓 觀観 氣気 歸帰 龜亀 僞偽 戲戯 犧犠 舊旧 據拠 擧挙 虛虚 峽峡 挾挟 狹狭 鄕郷 曉暁 區区 驅駆 勳勲 薰薫 徑径
惠恵 揭掲 溪渓 經経 繼継 莖茎 螢蛍 輕軽 鷄鶏 藝芸 擊撃 缺欠 儉倹 劍剣 圈圏 檢検 權権 獻献 縣県 險険 顯顕 驗験
嚴厳 效効 恆恒 黃黄 廣広 鑛鉱 號号 國国 濟済 碎砕 齋斎 劑剤 册冊 雜雑 參参 慘惨 棧桟 蠶蚕 贊賛 殘残 絲糸 齒歯
兒児 辭辞 濕湿 實実 寫写 舍舎 釋釈 壽寿 收収 從従 澁渋 獸獣 縱縦 肅粛 處処 敍叙 奬奨 將将 燒焼 稱称 證証 乘乗
剩剰 壤壌 孃嬢 條条 淨浄 狀状 疊畳 讓譲 釀醸 觸触 寢寝 愼慎 晉晋 眞真 盡尽 圖図 粹粋 醉酔 隨随 髓髄 數数 樞枢
瀨瀬 聲声 靜静 齊斉 攝摂 竊窃 專専 戰戦 淺浅 潛潜 纖繊 踐践 錢銭 禪禅 雙双 壯壮 搜捜 插挿 爭争 總総 聰聡 莊荘
裝装 騷騒 增増 臟臓 藏蔵 屬属 續続 墮堕 體体 對対 帶帯 滯滞 臺台 瀧滝 擇択 澤沢 單単 擔担 膽胆 團団 彈弾 斷断
癡痴 遲遅 晝昼 蟲虫 鑄鋳 廳庁 徵徴 聽聴 敕勅 鎭鎮 遞逓 鐵鉄 轉転 點点 傳伝 黨党 盜盗 燈灯 當当 鬭闘 德徳 獨独
讀読 屆届 繩縄 貳弐 惱悩 腦脳 霸覇 廢廃 拜拝 賣売 麥麦 發発 髮髪 拔抜 蠻蛮 祕秘 濱浜 甁瓶 拂払 佛仏 倂併 竝並
變変 邊辺 舖舗 寶宝 豐豊 襃褒 沒没 飜翻 每毎 萬万 滿満 默黙 彌弥 藥薬 譯訳 豫予 餘余 與与 譽誉 搖揺 樣様 謠謡
來来 賴頼 亂乱 覽覧 龍竜 兩両 獵猟 綠緑 鄰隣 凉涼 壘塁 淚涙 勵励 禮礼 隸隷 靈霊 齡齢 戀恋 爐炉 勞労 樓楼 郞郎
錄録 灣湾 曆暦 歷歴 鍊錬 槪概 旣既 敎教 黑黒 絕絶 巢巣 曾曽 瘦痩 稻稲 內内 稅税 脫脱 說説 悅悦 閱閲 銳鋭 戶戸
產産 靑青 淸清 步歩 涉渉 姬姫 顏顔 卽即 逹達 遙遥 檜桧
"""
_NAMES = """
髙高 﨑崎 嵜崎 邉辺 濵浜 𠮷吉 嶋島 嶌島 冨富 桒桑 槗橋 𣘺橋 栁柳 鷗鴎 舘館 峯峰 埜野 斈学 仭仞 劔剣 劒剣
釼剣 眀明 圡土 壻婿 曻昇 凬風 渕淵 渊淵 薗園 藪薮 裵裴 靏鶴 靍鶴 頴穎
"""


def _pairs(text: str) -> dict[int, str]:
    return {ord(pair[0]): pair[1] for pair in text.split()}


_KANA = {code: chr(code + 0x60) for code in (*range(0x3041, 0x3097), 0x309D, 0x309E)}
"""Hiragana to katakana."""

SAME: dict[int, str] = {**_KANA, **_pairs(_OLD), **_pairs(_NAMES)}
"""From a code point to the character it is compared as, for `str.translate` after NFKC."""
