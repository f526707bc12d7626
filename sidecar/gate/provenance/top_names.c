#include "sidecar/gate/provenance/top_names.h"

#include <stdbool.h>
#include <string.h>

#define LETTERS   26
#define LABEL_MAX 24 /* longer than any of these */

/* clang-format off */
/* Countries: the second letters of each first one. */
static const char *const countries[LETTERS] = {
    "cdefgilmoqrstuwxz", "abdefghijmnorstvwyz", "acdfghiklmnoruvwxyz",
    "ejkmoz", "cegrstu", "ijkmor", "abdefghilmnpqrstuwy", "kmnrtu",
    "delmnoqrst", "emop", "eghimnprwyz", "abcikrstuvy",
    "acdeghklmnopqrstuvwxyz", "acefgilopruz", "m", "aefghklmnrstwy", "a",
    "eosuw", "abcdeghijklmnorstuvxyz", "cdfghjklmnortvwz", "agksyz",
    "aceginu", "fs", "", "et", "amw"};
static const char vague_countries[] =
    " ac am cc cm cu gb id kg km md mg mk mm mo pm ps py rs sc sh so tf ";
static const char clear[] =
    " accountant aero agency app asia autos bank beauty bet bid biz blog"
    " boats bond buzz casino cfd click cloud club com coop cricket cyou dev"
    " digital download edu example faith finance fun gdn gov guru hair homes"
    " icu info insurance invalid live loan lol makeup mil mobi money monster"
    " net ninja onion online org party poker porn quest racing review rocks"
    " sbs science sex sexy shop site skin solutions tech tokyo top trade vip"
    " wang webcam website wiki win xxx xyz ";
/* By first letters. */
static const char *const vague[LETTERS] = {
    " aaa aarp abarth abb abbott abbvie abc able abogado abudhabi academy"
    " accenture accountants aco actor ads adult aeg aetna afl africa agakhan"
    " aig airbus airforce airtel akdn alfaromeo alibaba alipay allfinanz"
    " allstate ally alsace alstom amazon americanexpress americanfamily amex"
    " amfam amica amsterdam analytics android anquan anz aol apartments apple"
    " aquarelle arab aramco archi army arpa art arte asda associates athleta"
    " attorney auction audi audible audio auspost author auto avianca aws axa"
    " azure ",
    " baby baidu banamex bananarepublic band bar barcelona barclaycard"
    " barclays barefoot bargains baseball basketball bauhaus bayern bbc bbt"
    " bbva bcg bcn beats beer bentley berlin best bestbuy bharti bible bike"
    " bing bingo bio black blackfriday blockbuster bloomberg blue bms bmw"
    " bnpparibas boehringer bofa bom boo book booking bosch bostik boston bot"
    " boutique box bradesco bridgestone broadway broker brother brussels"
    " build builders business buy bzh ",
    " cab cafe cal call calvinklein cam camera camp canon capetown capital"
    " capitalone car caravan cards care career careers cars casa case cash"
    " cat catering catholic cba cbn cbre cbs center ceo cern cfa chanel"
    " channel charity chase chat cheap chintai christmas chrome church"
    " cipriani circle cisco citadel citi citic city cityeats claims cleaning"
    " clinic clinique clothing clubmed coach codes coffee college cologne"
    " comcast commbank community company compare computer comsec condos"
    " construction consulting contact contractors cooking cookingchannel cool"
    " corsica country coupon coupons courses cpa credit creditcard"
    " creditunion crown crs cruise cruises cuisinella cymru ",
    " dabur dad dance data date dating datsun day dclk dds deal dealer deals"
    " degree delivery dell deloitte delta democrat dental dentist desi design"
    " dhl diamonds diet direct directory discount discover dish diy dnp docs"
    " doctor dog domains dot drive dtv dubai dunlop dupont durban dvag dvr ",
    " earth eat eco edeka education email emerck energy engineer engineering"
    " enterprises epson equipment ericsson erni esq estate etisalat"
    " eurovision eus events exchange expert exposed express extraspace ",
    " fage fail fairwinds family fan fans farm farmers fashion fast fedex"
    " feedback ferrari ferrero fiat fidelity fido film final financial fire"
    " firestone firmdale fish fishing fit fitness flickr flights flir florist"
    " flowers fly foo food foodnetwork football ford forex forsale forum"
    " foundation fox free fresenius frl frogans frontdoor frontier ftr"
    " fujitsu fund furniture futbol fyi ",
    " gal gallery gallo gallup game games gap garden gay gbiz gea gent"
    " genting george ggee gift gifts gives giving glass gle global globo"
    " gmail gmbh gmo gmx godaddy gold goldpoint golf goo goodyear goog google"
    " gop got grainger graphics gratis green gripe grocery group guardian"
    " gucci guge guide guitars ",
    " hamburg hangout haus hbo hdfc hdfcbank health healthcare help helsinki"
    " here hermes hgtv hiphop hisamitsu hitachi hiv hkt hockey holdings"
    " holiday homedepot homegoods homesense honda horse hospital host hosting"
    " hot hoteles hotels hotmail house how hsbc hughes hyatt hyundai ",
    " ibm icbc ice ieee ifm ikano imamat imdb immo immobilien inc industries"
    " infiniti ing ink institute insure int international intuit investments"
    " ipiranga irish ismaili ist istanbul itau itv ",
    " jaguar java jcb jeep jetzt jewelry jio jll jmp jnj jobs joburg jot joy"
    " jpmorgan jprs juegos juniper ",
    " kaufen kddi kerryhotels kerrylogistics kerryproperties kfh kia kids kim"
    " kinder kindle kitchen kiwi koeln komatsu kosher kpmg kpn krd kred"
    " kuokgroup kyoto ",
    " lacaixa lamborghini lamer lancaster lancia land landrover lanxess"
    " lasalle lat latino latrobe law lawyer lds lease leclerc lefrak legal"
    " lego lexus lgbt lidl life lifeinsurance lifestyle lighting like lilly"
    " limited limo lincoln linde link lipsy living llc llp loans locker locus"
    " london lotte lotto love lpl lplfinancial ltd ltda lundbeck luxe luxury ",
    " macys madrid maif maison man management mango map market marketing"
    " markets marriott marshalls maserati mattel mba mckinsey med media meet"
    " melbourne meme memorial men menu merckmsd miami microsoft mini mint mit"
    " mitsubishi mlb mls mma mobile moda moe moi mom monash mormon mortgage"
    " moscow moto motorcycles mov movie msd mtn mtr museum music mutual ",
    " nab nagoya name natura navy nba nec netbank netflix network neustar new"
    " news next nextdirect nexus nfl ngo nhk nico nike nikon nissan nissay"
    " nokia northwesternmutual norton now nowruz nowtv nra nrw ntt nyc ",
    " obi observer office okinawa olayan olayangroup oldnavy ollo omega one"
    " ong onl ooo open oracle orange organic origins osaka otsuka ott ovh ",
    " page panasonic paris pars partners parts passagens pay pccw pet pfizer"
    " pharmacy phd philips phone photo photography photos physio pics pictet"
    " pictures pid pin ping pink pioneer pizza place play playstation"
    " plumbing plus pnc pohl politie post pramerica praxi press prime pro"
    " prod productions prof progressive promo properties property protection"
    " pru prudential pub pwc ",
    " qpon quebec ",
    " radio read realestate realtor realty recipes red redstone redumbrella"
    " rehab reise reisen reit reliance ren rent rentals repair report"
    " republican rest restaurant reviews rexroth rich richardli ricoh ril rio"
    " rip rocher rodeo rogers room rsvp rugby ruhr run rwe ryukyu ",
    " saarland safe safety sakura sale salon samsclub samsung sandvik"
    " sandvikcoromant sanofi sap sarl sas save saxo sbi sca scb schaeffler"
    " schmidt scholarships school schule schwarz scot search seat secure"
    " security seek select sener services seven sew sfr shangrila sharp shaw"
    " shell shia shiksha shoes shopping shouji show showtime silk sina"
    " singles ski sky skype sling smart smile sncf soccer social softbank"
    " software sohu solar song sony soy spa space sport spot srl stada"
    " staples star statebank statefarm stc stcgroup stockholm storage store"
    " stream studio study style sucks supplies supply support surf surgery"
    " suzuki swatch swiss sydney systems ",
    " tab taipei talk taobao target tatamotors tatar tattoo tax taxi tci tdk"
    " team technology tel temasek tennis teva thd theater theatre tiaa"
    " tickets tienda tiffany tips tires tirol tjmaxx tjx tkmaxx tmall today"
    " tools toray toshiba total tours town toyota toys trading training"
    " travel travelchannel travelers travelersinsurance trust trv tube tui"
    " tunes tushu tvs ",
    " ubank ubs unicom university uno uol ups ",
    " vacations vana vanguard vegas ventures verisign versicherung vet viajes"
    " video vig viking villas vin virgin visa vision viva vivo vlaanderen"
    " vodka volkswagen volvo vote voting voto voyage vuelos ",
    " wales walmart walter wanggou watch watches weather weatherchannel weber"
    " wedding weibo weir whoswho wien williamhill windows wine winners wme"
    " wolterskluwer woodside work works world wow wtc wtf ",
    " xbox xerox xfinity xihuan xin ",
    " yachts yahoo yamaxun yandex yodobashi yoga yokohama you youtube yun ",
    " zappos zara zero zip zone zuerich "};
/* clang-format on */

/* Names stand between spaces. */
static bool has(const char *names, struct ts_str label)
{
    char spaced[LABEL_MAX + 2];

    spaced[0] = ' ';
    memcpy(spaced + 1, label.ptr, label.len);
    spaced[label.len + 1] = ' ';
    return memmem(names, strlen(names), spaced, label.len + 2) != NULL;
}

enum top_name top_name_of(struct ts_str l)
{
    if (l.len < 2 || l.len > TOP_LABEL_MAX || l.ptr[0] < 'a' || l.ptr[0] > 'z')
        return TOP_NONE;
    if (l.len > 4 && memcmp(l.ptr, "xn--", 4) == 0)
        return TOP_CLEAR;
    if (l.len > LABEL_MAX)
        return TOP_NONE;
    if (l.len == 2 && (l.ptr[1] == '\0' ||
                       strchr(countries[l.ptr[0] - 'a'], l.ptr[1]) == NULL))
        return TOP_NONE;
    if (l.len == 2)
        return has(vague_countries, l) ? TOP_VAGUE : TOP_CLEAR;
    if (has(clear, l))
        return TOP_CLEAR;
    return has(vague[l.ptr[0] - 'a'], l) ? TOP_VAGUE : TOP_NONE;
}
