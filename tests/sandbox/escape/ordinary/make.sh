for i in 1 2 3 4; do printf 'int f%s(void){return %s;}\n' $i $i >f$i.c; done
echo 'int f1(void);int f2(void);int f3(void);int f4(void);int main(void){return f1()+f2()+f3()+f4()==10?0:1;}' >main.c
printf 'p: main.o f1.o f2.o f3.o f4.o\n\tgcc -flto -o $@ $^\n%%.o: %%.c\n\tgcc -flto -O2 -g -c $<\n' >Makefile
make -s -j4 p; ./p; echo linked; ar rcs l.a f1.o; gcc -shared -fPIC -o l.so f1.c; ldd ./p >/dev/null; strip p; ./p
printf '#include <iostream>\n#include <thread>\nint main(){std::thread t([]{std::cout<<"cpp\\n";});t.join();}\n' >g.cc
! command -v g++ >/dev/null || { g++ -O1 -pthread -o g g.cc; ./g; }
