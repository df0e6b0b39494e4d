package Sioemit::Encoder;

use strict;
use warnings;
no warnings 'recursion';    # it is bounded by MAX_LEVELS
no if $] >= 5.035, warnings => 'experimental::builtin';

use B            ();
use POSIX        qw(strftime);
use Scalar::Util qw(blessed refaddr reftype);

use Sioemit::Error qw(refuse);

# Servers and clients read values recursively, and end, or go deaf, from about 2,500 levels on.
use constant MAX_LEVELS => 1000;

# Up to here every integer is a float64, too.
use constant MAX_INTEGER => 2**53;

my $INFINITY = 9**9**9;

# is_number tells a scalar that was made as a number from one that was made as text. The first way is ten times as fast.
*is_number =
    defined &builtin::created_as_number
    ? \&builtin::created_as_number
    : sub {
    my $flags = B::svref_2object(\$_[0])->FLAGS;
    return $flags & (B::SVp_IOK | B::SVp_NOK) && !($flags & B::SVp_POK);
    };
my $IS_BOOLEAN = defined &builtin::is_bool ? \&builtin::is_bool : sub { return 0 };

sub new {
    my ($class) = @_;
    return bless { out => '', binaries => 0, special => '' }, $class;
}

# encode returns the data of an event's packet: an array of its name, as bytes, and its arguments. The limit is that of
# binary values; without one, it goes to servers, which have no parser that minds.
sub encode {
    my ($class, $event, $args, $limit) = @_;
    my $self = $class->new;
    $self->begin_array(1 + @$args);
    $self->text($event);
    my ($index, $special) = (0, '');
    for my $arg (@$args) {
        $index++;
        $self->separator;
        next if eval { $self->value($arg, 0); $self->check($limit, $index); 1 };
        my $error = $@;
        die $error if !blessed $error                              || !$error->isa('Sioemit::Error');
        my $at = $error->reason eq 'unencodable' && $self->{blame} || $index;
        refuse($error->reason, "argument $at of event \"$event\": " . $error->message);
    }
    $self->end_array;
    return $self;
}

# check refuses what binary turns into a trap for clients.
sub check {
    my ($self, $limit, $index) = @_;
    $self->{special_at} ||= $index if $self->{special} ne '';
    return                         if !$self->{binaries} || !defined $limit;
    if ($self->{binaries} > $limit) {
        refuse('unencodable',
            "more than $limit binary values in one event disconnect clients with socket.io-parser 4.2.6 or later; "
                . 'send fewer, or set max_attachments if yours take more');
    }
    if ($self->{special} ne '') {
        $self->{blame} = $self->{special_at};
        refuse('unencodable', "the key \"$self->{special}\" beside binary is a trap for the parsers of clients");
    }
    return;
}

sub bytes { return $_[0]{out} }

sub binaries { return $_[0]{binaries} }

# value appends one value. It returns whether JavaScript takes it for true.
sub value {
    my ($self, $value, $depth) = @_;
    if (!ref $value) {
        return $self->null            if !defined $value;
        return $self->boolean($value) if $IS_BOOLEAN->($value);
        return $self->number($value)  if is_number($value);
        return $self->text(characters($value));
    }
    my $type = ref $value;
    return $self->object($value, $depth + 1) if $type eq 'HASH';
    return $self->array($value, $depth + 1)  if $type eq 'ARRAY';
    return $self->reference($value)          if !blessed $value;
    if ($value->isa('Sioemit::Binary')) {
        $self->{binaries}++;
        $self->binary($value->bytes);
        return 1;
    }
    return $self->boolean($$value) if $value->isa('JSON::PP::Boolean') || $value->isa('Types::Serialiser::Boolean');
    if ($value->isa('Math::BigInt') || $value->isa('Math::BigFloat')) {
        return $self->number(0 + $value->bstr);
    }
    if ($value->isa('Time::Piece')) {
        return $self->text(strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $value->epoch));
    }
    return $self->text(date_time($value)) if $value->isa('DateTime');
    if ($value->can('TO_JSON')) {
        levels($value, $depth + 1);
        my $json = $value->TO_JSON;    # in scalar context, as JSON::PP has it
        return $self->value($json, $depth + 1);
    }
    return refuse('unencodable', "an object of class $type has no JSON form; give it a method TO_JSON");
}

# characters returns text as UTF-8. Halves of surrogate pairs and what is beyond Unicode become U+FFFD.
sub characters {
    my ($text) = @_;
    if ($text =~ /[^\x00-\x7F]/) {
        $text =~ s/[\x{D800}-\x{DFFF}]|[^\x{0}-\x{10FFFF}]/\x{FFFD}/g;
        utf8::encode($text);
    }
    elsif (utf8::is_utf8($text)) {
        utf8::downgrade($text);
    }
    return $text;
}

# number writes whole numbers up to 2^53 as integers, whatever they were made as.
sub number {
    my ($self, $number) = @_;
    refuse('unencodable', "$number has no JSON form") if $number != $number || abs $number == $INFINITY;
    $number = unpack 'd', pack 'd', $number if abs $number >= MAX_INTEGER;    # the nearest float of an integer
    if (abs $number <= MAX_INTEGER && $number == int $number) {
        $self->integer(int $number);
        return $number != 0;
    }
    $self->float($number);
    return 1;
}

sub array {
    my ($self, $array, $depth) = @_;
    levels($array, $depth) if $depth > MAX_LEVELS;
    $self->begin_array(scalar @$array);
    my $first = 1;
    for my $item (@$array) {
        $first ? ($first = 0) : $self->separator;
        $self->value($item, $depth);
    }
    $self->end_array;
    return 1;
}

# object sorts the keys, which have no order of their own, unless a tied hash gives them one.
sub object {
    my ($self, $hash, $depth) = @_;
    levels($hash, $depth) if $depth > MAX_LEVELS;
    my @keys = tied %$hash ? keys %$hash : sort keys %$hash;
    $self->begin_object(scalar @keys);
    my $first = 1;
    for my $key (@keys) {
        $first ? ($first = 0) : $self->separator;
        $self->member($key, $hash->{$key}, $depth);
    }
    $self->end_object;
    return 1;
}

# member writes one member of an object.
sub member {
    my ($self, $key, $value, $depth) = @_;
    refuse('unencodable', 'the key "__proto__" replaces the prototype of its object, and may end servers')
        if $key eq '__proto__';
    $self->key(characters($key));
    my $true = $self->value($value, $depth);

    # Parsers take the object of a true _placeholder for a binary, and call hasOwnProperty.
    $self->{special} = $key if $key eq 'hasOwnProperty' || $key eq '_placeholder' && $true;
    return;
}

# is_special tells the keys that member looks for.
sub is_special { return $_[1] =~ /\A(?:__proto__|_placeholder|hasOwnProperty)\z/ }

# reference takes \1 and \0 for true and false, as JSON::PP does.
sub reference {
    my ($self, $reference) = @_;
    my $type = reftype $reference;
    if ($type eq 'SCALAR' && defined $$reference && $$reference =~ /\A[01]\z/) {
        return $self->boolean($$reference);
    }
    return refuse('unencodable', "a reference of type $type has no JSON form");
}

# date_time returns a DateTime in the precision that it has.
sub date_time {
    my ($time) = @_;
    refuse('unencodable', 'a DateTime without a time zone is no point in time; give it one')
        if $time->time_zone->is_floating;
    my $utc      = $time->clone->set_time_zone('UTC');
    my $fraction = $utc->nanosecond ? sprintf '.%09d', $utc->nanosecond : '';
    $fraction =~ s/0+\z//;
    return $utc->ymd . 'T' . $utc->hms . $fraction . 'Z';
}

# levels refuses what is nested too deeply, and says so if that is because it holds itself.
sub levels {
    my ($value, $depth, $max) = @_;
    $max //= MAX_LEVELS;
    return                                                      if $depth <= $max;
    refuse('unencodable', 'it holds itself, which JSON cannot') if holds_itself($value);
    return refuse('too-deep', "it is nested deeper than $max levels, which servers cannot read");
}

# holds_itself walks through what a value holds; each array and each hash once.
sub holds_itself {
    my ($value) = @_;
    my %state;    # 1: it is open; 2: it is no part of a cycle
    my @todo = ($value);
    while (@todo) {
        my $next = $todo[-1];
        my $type = ref $next ? reftype $next : '';
        if (ref $next && ($state{ refaddr $next } || 0) == 2 || $type ne 'ARRAY' && $type ne 'HASH') {
            pop @todo;
            next;
        }
        if ($state{ refaddr $next }) {
            $state{ refaddr $next } = 2;
            pop @todo;
            next;
        }
        $state{ refaddr $next } = 1;
        for my $item (grep { ref } $type eq 'ARRAY' ? @$next : values %$next) {
            return 1 if ($state{ refaddr $item } || 0) == 1;
            push @todo, $item;
        }
    }
    return 0;
}

1;

__END__

=encoding utf8

=head1 NAME

Sioemit::Encoder - what a value becomes

=head1 DESCRIPTION

The walk through the arguments of an event, for L<Sioemit::MessagePack> and L<Sioemit::JSON>, which write what it finds.
L<Sioemit/"WHAT ARRIVES"> says what that is.

=head1 METHODS

=head2 new

=head2 encode

=head2 check

=head2 bytes

=head2 binaries

=head2 value

=head2 number

=head2 array

=head2 object

=head2 member

=head2 is_special

=head2 reference

=head1 FUNCTIONS

=head2 is_number

=head2 characters

=head2 date_time

=head2 levels

=head2 holds_itself

=cut
