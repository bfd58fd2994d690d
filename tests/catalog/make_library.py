#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes library.tsv: a small library with the names that make searching hard, and invented ones around them.

usage: tests/catalog/make_library.py > tests/catalog/library.tsv     the result is committed; this says how it came about

Columns: album artist, its sort name, album, year, genre, disc, track, title, track artist ("" when the album artist).
"""
import random

KNOWN = """
The Beatles|Beatles, The|Rock
= Abbey Road|1969|Come Together/Something/Here Comes the Sun/Octopus's Garden/The End
= Help!|1965|Help!/Yesterday/Ticket to Ride/You've Got to Hide Your Love Away
= Revolver|1966|Eleanor Rigby/Yellow Submarine/Tomorrow Never Knows/Taxman
AC/DC||Hard Rock
= Back in Black|1980|Hells Bells/Back in Black/You Shook Me All Night Long
= Highway to Hell|1979|Highway to Hell/Girls Got Rhythm/Touch Too Much
P!nk||Pop
= M!ssundaztood|2001|Get the Party Started/Just Like a Pill/Don't Let Me Get Me
= Funhouse|2008|So What/Sober/Please Don't Leave Me
Pink Floyd||Rock
= The Dark Side of the Moon|1973|Speak to Me/Time/Money/Us and Them/Brain Damage
= Wish You Were Here|1975|Wish You Were Here/Shine On You Crazy Diamond/Welcome to the Machine
Sigur Rós||Post-Rock
= Ágætis byrjun|1999|Svefn-g-englar/Starálfur/Flugufrelsarinn/Viðrar vel til loftárása
= Takk...|2005|Glósóli/Hoppípolla/Sæglópur
Björk||Electronic
= Homogenic|1997|Jóga/Bachelorette/Hunter
= Vespertine|2001|Hidden Place/Pagan Poetry/Cocoon
Motörhead||Metal
= Ace of Spades|1980|Ace of Spades/Love Me Like a Reptile/The Chase Is Better Than the Catch
Mötley Crüe||Metal
= Dr. Feelgood|1989|Dr. Feelgood/Kickstart My Heart/Without You
Beyoncé||R&B
= Lemonade|2016|Pray You Catch Me/Hold Up/Formation/Sorry
Céline Dion||Pop
= D'eux|1995|Pour que tu m'aimes encore/Je sais pas/Le ballet
Édith Piaf|Piaf, Édith|Chanson
= La Vie en rose|1950|La Vie en rose/Hymne à l'amour/Non, je ne regrette rien
Françoise Hardy|Hardy, Françoise|Chanson
= Tous les garçons et les filles|1962|Tous les garçons et les filles/Le Temps de l'amour
Jacques Brel|Brel, Jacques|Chanson
= Ces gens-là|1966|Ces gens-là/Jef/Mathilde
Björn Again||Pop
= Live Album|1993|Dancing Queen/Waterloo
ABBA||Pop
= Arrival|1976|Dancing Queen/Knowing Me, Knowing You/Money, Money, Money
Antonín Dvořák|Dvořák, Antonín|Classical
= Symphony No. 9 "From the New World"|1893|Adagio – Allegro molto/Largo/Scherzo/Allegro con fuoco
Ludwig van Beethoven|Beethoven, Ludwig van|Classical
= Symphony No. 5|1808|Allegro con brio/Andante con moto
= Für Elise|1810|Für Elise
Frédéric Chopin|Chopin, Frédéric|Classical
= Nocturnes|1832|Nocturne No. 2 in E-flat major/Étude Op. 10 No. 3
Łukasz Żal|Żal, Łukasz|Jazz
= Źródło|2010|Księżyc/Świt nad Łodzią
Кино|Kino|Rock
= Группа крови|1988|Группа крови/Закрой за мной дверь/Мама, мы все тяжело больны
= Звезда по имени Солнце|1989|Звезда по имени Солнце/Пачка сигарет
Земфира|Zemfira|Rock
= Прости меня моя любовь|2000|Искала/Хочешь?/Ёлка
Муслим Магомаев|Magomaev, Muslim|Pop
= Лучшие песни|1985|Королева красоты/Синяя вечность
Μίκης Θεοδωράκης|Theodorakis, Mikis|Folk
= Ζορμπάς|1964|Ο Χορός του Ζορμπά/Όμορφη Πόλη
Χάρις Αλεξίου|Alexiou, Haris|Folk
= Δι' ευχών|1992|Πανσέληνος/Μια πίστα από φώσφορο
宇多田ヒカル|Utada Hikaru|J-Pop
= First Love|1999|Automatic/First Love/Movin' on without you
= 初恋|2018|初恋/あなた/花束を君に
東京事変|Tokyo Jihen|J-Pop
= 教育|2004|林檎の唄/群青日和/入水願い
椎名林檎|Shiina Ringo|J-Pop
= 無罪モラトリアム|1999|丸の内サディスティック/ここでキスして。/歌舞伎町の女王
久石譲|Hisaishi, Joe|Soundtrack
= となりのトトロ|1988|となりのトトロ/さんぽ/風のとおり道
邓丽君|Teng, Teresa|C-Pop
= 淡淡幽情|1983|但愿人长久/独上西楼/月亮代表我的心
周杰倫|Jay Chou|C-Pop
= 葉惠美|2003|晴天/東風破/以父之名
방탄소년단|BTS|K-Pop
= 화양연화|2015|봄날/불타오르네/피 땀 눈물
서태지와 아이들|Seo Taiji and Boys|K-Pop
= 난 알아요|1992|난 알아요/환상 속의 그대
أم كلثوم|Umm Kulthum|Arabic
= إنت عمري|1964|إنت عمري/الأطلال
R.E.M.||Alternative
= Automatic for the People|1992|Everybody Hurts/Man on the Moon/Nightswimming
N.W.A||Hip-Hop
= Straight Outta Compton|1988|Straight Outta Compton/Express Yourself
Ke$ha||Pop
= Animal|2010|Tik Tok/Your Love Is My Drug
A$AP Rocky||Hip-Hop
= Long. Live. A$AP|2013|Goldie/Fashion Killa
Jay-Z||Hip-Hop
= The Blueprint|2001|Izzo (H.O.V.A.)/Girls, Girls, Girls/Takeover
blink-182||Punk
= Enema of the State|1999|What's My Age Again?/All the Small Things/Adam's Song
Guns N' Roses||Hard Rock
= Appetite for Destruction|1987|Welcome to the Jungle/Paradise City/Sweet Child o' Mine
Simon & Garfunkel||Folk
= Bridge over Troubled Water|1970|Bridge over Troubled Water/Cecilia/The Boxer
= Sounds of Silence|1966|The Sound of Silence/I Am a Rock
Florence + The Machine||Indie
= Lungs|2009|Dog Days Are Over/You've Got the Love/Cosmic Love
Panic! at the Disco||Pop Punk
= A Fever You Can't Sweat Out|2005|I Write Sins Not Tragedies/Lying Is the Most Fun a Girl Can Have
Godspeed You! Black Emperor||Post-Rock
= Lift Your Skinny Fists Like Antennas to Heaven|2000|Storm/Static/Sleep
!!!||Dance
= Louden Up Now|2004|Pardon My Freedom/Me and Giuliani Down by the School Yard
Ed Sheeran||Pop
= ÷|2017|Shape of You/Castle on the Hill/Perfect
= +|2011|The A Team/Lego House/Sing
Sunn O)))||Drone
= Monoliths & Dimensions|2009|Aghartha/Big Church
Tool||Metal
= Ænima|1996|Stinkfist/Forty Six & 2/Ænema
Nirvana||Grunge
= Nevermind|1991|Smells Like Teen Spirit/Come as You Are/Lithium
Soundgarden||Grunge
= Superunknown|1994|Black Hole Sun/Spoonman/Fell on Black Days
Metallica||Metal
= Master of Puppets|1986|Battery/Master of Puppets/Welcome Home (Sanitarium)
Led Zeppelin||Hard Rock
= Led Zeppelin IV|1971|Black Dog/Stairway to Heaven/When the Levee Breaks
Queen||Rock
= A Night at the Opera|1975|Bohemian Rhapsody/You're My Best Friend/Love of My Life
Radiohead||Alternative
= OK Computer|1997|Paranoid Android/Karma Police/No Surprises/Exit Music (For a Film)
= Kid A|2000|Everything in Its Right Place/Idioteque/Kid A
Depeche Mode||Synth-Pop
= Violator|1990|Personal Jesus/Enjoy the Silence/Policy of Truth
Kraftwerk||Electronic
= Die Mensch-Maschine|1978|Das Model/Die Roboter/Neonlicht
Die Ärzte|Ärzte, Die|Punk
= Geräusch|2003|Unrockbar/Deine Schuld/Dinge von denen
Die Toten Hosen|Toten Hosen, Die|Punk
= Opium fürs Volk|1996|Zehn kleine Jägermeister/Nichts bleibt für die Ewigkeit
Antônio Carlos Jobim|Jobim, Antônio Carlos|Bossa Nova
= Wave|1967|Wave/Triste/Águas de Março
João Gilberto|Gilberto, João|Bossa Nova
= Chega de Saudade|1959|Chega de Saudade/Desafinado
Maná||Rock
= ¿Dónde jugarán los niños?|1992|Oye mi amor/Vivir sin aire/¿Dónde jugarán los niños?
Los Lobos||Rock
= La Bamba|1987|La Bamba/Donna
Miles Davis|Davis, Miles|Jazz
= Kind of Blue|1959|So What/Freddie Freeloader/Blue in Green
John Coltrane|Coltrane, John|Jazz
= A Love Supreme|1965|Acknowledgement/Resolution/Pursuance
Dave Brubeck|Brubeck, Dave|Jazz
= Time Out|1959|Take Five/Blue Rondo à la Turk
Michael Jackson|Jackson, Michael|Pop
= Thriller|1982|Thriller/Beat It/Billie Jean/Wanna Be Startin' Somethin'
= Bad|1987|Bad/Man in the Mirror/Smooth Criminal
Prince||Funk
= Purple Rain|1984|Purple Rain/When Doves Cry/Let's Go Crazy
David Bowie|Bowie, David|Rock
= "Heroes"|1977|"Heroes"/Sons of the Silent Age
= Space Oddity|1969|Space Oddity/Cygnet Committee
The The|The The|Post-Punk
= Soul Mining|1983|This Is the Day/Uncertain Smile
The Who|Who, The|Rock
= Who's Next|1971|Baba O'Riley/Behind Blue Eyes/Won't Get Fooled Again
Them||R&B
= The Angry Young Them|1965|Gloria/Mystic Eyes
2Pac||Hip-Hop
= All Eyez on Me|1996|California Love/Ambitionz az a Ridah
50 Cent||Hip-Hop
= Get Rich or Die Tryin'|2003|In da Club/21 Questions
Bob Dylan|Dylan, Bob|Folk
= Highway 61 Revisited|1965|Like a Rolling Stone/Ballad of a Thin Man
Wolfgang Amadeus Mozart|Mozart, Wolfgang Amadeus|Classical
= Requiem|1791|Introitus/Lacrimosa
Ólafur Arnalds|Arnalds, Ólafur|Modern Classical
= re:member|2018|re:member/unfold/saman
Sinéad O'Connor|O'Connor, Sinéad|Pop
= I Do Not Want What I Haven't Got|1990|Nothing Compares 2 U/Black Boys on Mopeds
Hüsker Dü||Punk
= Zen Arcade|1984|Something I Learned Today/Pink Turns to Blue
Blue Öyster Cult||Rock
= Agents of Fortune|1976|(Don't Fear) The Reaper/E.T.I.
Naïve Réalisme||Indie
= Où es-tu ?|2012|Cœur brisé/Garçon manqué
"""

SYLLABLES = "ba be bi bo da de do fa fi ga go ha ka ke ki la le li lo ma me mi mo na ne no pa pe ra re ri ro sa se so ta te ti to va ve vi za zo".split()
WORDS = """silver river stone garden winter summer lonely city echo shadow dream fire water golden broken hollow paper
glass engine harbour lantern mirror thunder whisper northern southern velvet crimson amber morning evening midnight
station letter window circle motion ocean forest mountain valley desert island bridge tower castle""".split()


def known():
    artist = None
    for line in KNOWN.strip().splitlines():
        if line.startswith("= "):
            album, year, titles = line[2:].split("|")
            for number, title in enumerate(titles.replace("AC/DC", "AC\0DC").split("/"), 1):
                yield artist[0], artist[1], album, year, artist[2], 1, number, title.replace("\0", "/"), ""
        else:
            artist = line.split("|")


def invented(rng):
    for _ in range(160):
        artist = " ".join("".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))).title() for _ in range(rng.randint(1, 2)))
        for _ in range(2):
            album = " ".join(rng.sample(WORDS, 2)).title()
            year = rng.randint(1960, 2024)
            for number in range(1, 8):
                title = " ".join(rng.sample(WORDS, rng.randint(2, 3))).title()
                yield artist, "", album, year, rng.choice(["Indie", "Ambient", "Folk"]), 1, number, title, ""


def main():
    rows = list(known()) + list(invented(random.Random(2)))
    rows.append(("Various Artists", "", "Under Covers", 2003, "Pop", 1, 1, "Hallelujah", "Jeff Buckley"))
    rows.append(("Various Artists", "", "Under Covers", 2003, "Pop", 1, 2, "Hurt", "Johnny Cash"))
    rows.append(("Various Artists", "", "Under Covers", 2003, "Pop", 2, 1, "Mad World", "Gary Jules"))
    for row in rows:
        print("\t".join(map(str, row)))


main()
