# Sends and receives whole Ethernet frames on one interface, as hex, a line each: standard input is sent, what the
# interface receives is printed. Says "ready" once it listens. Ends with its standard input.
use strict;
use warnings;
use Socket;

my ($name) = @ARGV;
my ($AF_PACKET, $ETH_P_ALL, $SIOCGIFINDEX, $PACKET_OUTGOING) = (17, 3, 0x8933, 4);

socket(my $socket, $AF_PACKET, SOCK_RAW, unpack('S', pack('n', $ETH_P_ALL))) or die "socket: $!";
my $request = pack('a16 x24', $name);
ioctl($socket, $SIOCGIFINDEX, $request) or die "$name: $!";
my $index = unpack('x16 i', $request);
bind($socket, pack('S n i x12', $AF_PACKET, $ETH_P_ALL, $index)) or die "bind: $!";

$| = 1;
print "ready\n";
my $input = '';
while (1) {
    my $ready = '';
    vec($ready, fileno($socket), 1) = vec($ready, fileno(STDIN), 1) = 1;
    select($ready, undef, undef, undef);
    if (vec($ready, fileno($socket), 1)) {
        my $from = recv($socket, my $frame, 65536, 0);
        # sockaddr_ll: family, protocol, index, hardware type, packet type
        print unpack('H*', $frame), "\n" if defined $from && unpack('x10 C', $from) != $PACKET_OUTGOING;
    }
    if (vec($ready, fileno(STDIN), 1)) {
        sysread(STDIN, $input, 65536, length $input) or exit 0;
        while ($input =~ s/^([0-9a-f]*)\n//) {
            send($socket, pack('H*', $1), 0) // warn "send: $!";
        }
    }
}
