perl -MSocket -MTime::HiRes=usleep -MStorable -MDigest::SHA=sha1_hex -MIPC::Open3 -e '
    my $p = open3(my $i, my $o, undef, "cat"); print $i "open3\n"; close $i; print <$o>; waitpid $p, 0;
    socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die; syswrite $a, "x"; sysread $b, my $x, 1; print "$x\n";
    usleep 1000; print sha1_hex("a"), "\n"; Storable::store({a => 1}, "st"); print Storable::retrieve("st")->{a}, "\n";
    local $SIG{ALRM} = sub { die "al\n" }; eval { alarm 1; select undef, undef, undef, 3 }; print $@;'
